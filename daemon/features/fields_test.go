package features

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// named is a row by the names of its columns.
func named(l *Layout, r []float32) map[string]float32 {
	m := map[string]float32{}
	for i, name := range l.Names {
		m[name] = r[i]
	}
	return m
}

func TestPlainLayoutsHaveTheirWidths(t *testing.T) {
	for k, want := range map[ipc.Kind]int{ipc.Workload: 35, ipc.Threat: 17, ipc.Failure: 41, ipc.Memory: 61} {
		l := FieldsOf(k)
		if l.Width() != want || l.Predictor != k.String() {
			t.Errorf("%v: %d columns for %s, want %d", k, l.Width(), l.Predictor, want)
		}
	}
	if FieldsOf(0) != nil {
		t.Error("kind 0 has a layout")
	}
}

// TestWorkloadFieldsAreInTheOriginsOrder writes every column by hand.
func TestWorkloadFieldsAreInTheOriginsOrder(t *testing.T) {
	q := &ipc.WorkloadRequest{
		HistoricalCPU:    []float32{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9},
		HistoricalMemory: []uint64{1 << 30, 2 << 30, 3 << 30},
		HistoricalGPU:    []float32{0.25, 0.5},
		TimeOfDay:        18, DayOfWeek: 0, CurrentCPU: 0.9, CurrentMemory: 3 << 30, CurrentGPU: ipc.Some(float32(0.5)),
	}
	want := []float32{
		0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9,
		1, 1, 1, 1, 1, 1, 1, 1, 2, 3, // the oldest reading repeated
		0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5,
		0.75, 0, 0.9, 3, 0.5,
	}
	got := fill(t, &WorkloadFields, 1, func(dst []float32) { WorkloadFieldsRow(q, 1.0/(1<<30), dst) })
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// Midnight, Sunday and readings of zero are values; no GPU is zeros; no history is
	// the current value.
	q = &ipc.WorkloadRequest{CurrentCPU: 0.5, CurrentMemory: 1 << 31}
	want = slices.Concat(slices.Repeat([]float32{0.5}, 10), slices.Repeat([]float32{2}, 10), make([]float32, 10), []float32{0, 0, 0.5, 2, 0})
	got = fill(t, &WorkloadFields, 1, func(dst []float32) { WorkloadFieldsRow(q, 1.0/(1<<30), dst) })
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestThreatFields(t *testing.T) {
	q := &ipc.ThreatRequest{
		Metrics:           ipc.ThreatMetrics{OperationCount: 0, SyscallCount: 255, MemoryUsage: math.MaxUint64, NetworkActivity: 1},
		Anomalies:         []ipc.Anomaly{{Type: 9, Severity: 0.5}, {Type: 1, Severity: 2}},
		HistoricalThreats: []float32{0.1, 0.2}, TimeSinceLastThreat: ipc.Never,
	}
	got := named(&ThreatFields, fill(t, &ThreatFields, 1, func(dst []float32) { ThreatFieldsRow(q, dst) }))
	for name, want := range map[string]float32{
		"operation_count": 0, "syscall_count": 8. / 64, "memory_usage": 1, "network_activity": 1. / 64,
		"anomaly_count": 2. / 32, "anomaly_severity": 2,
		"historical_threats_0": 0.1, "historical_threats_8": 0.1, "historical_threats_9": 0.2, "time_since_last_threat": 1,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}

func TestFailureFields(t *testing.T) {
	q := &ipc.FailureRequest{
		Component: "io", HealthScore: 0.25, CurrentValue: -7, Baseline: 3, Trend: ipc.TrendCritical,
		FailureHistory: []uint8{0, 1}, TimeSinceLastFailure: 1,
	}
	got := named(&FailureFields, fill(t, &FailureFields, 1, func(dst []float32) { FailureFieldsRow(q, ipc.FailureIO, dst) }))
	for name, want := range map[string]float32{
		"historical_health_0": 0.25, "historical_health_19": 0.25, "failure_history_0": 0, "failure_history_9": 1,
		"health_score": 0.25, "current_value": -7, "baseline": 3, "trend": -2, "time_since_last_failure": 1. / 64,
		"component_io": 1, "component_memory": 0, "component_kernel": 0,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}

func TestMemoryFields(t *testing.T) {
	q := &ipc.MemoryRequest{
		AccessHistory: []uint64{0x7fff_ffff_f000 - 2*4096, 0x7fff_ffff_ffff}, CurrentAddress: 0x7fff_ffff_ffff,
		AccessTypes: []uint8{1, 2}, AccessTimestamps: []uint64{100, 101}, LocalityScore: 0.5,
	}
	got := named(&MemoryFields, fill(t, &MemoryFields, 1, func(dst []float32) { MemoryFieldsRow(q, dst) }))
	for name, want := range map[string]float32{
		"access_history_0": -2, "access_history_18": -2, "access_history_19": 0,
		"access_types_0": 1, "access_types_19": 2, "access_timestamps_0": 1. / 64, "access_timestamps_19": 0, "locality_score": 0.5,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}

// TestPageAfterIsTheInverseOfPageSteps, at the ends of the address space too.
func TestPageAfterIsTheInverseOfPageSteps(t *testing.T) {
	for _, c := range []struct {
		from, to uint64
		steps    int64
	}{
		{0x5fff, 0x6000, 1},
		{0, math.MaxUint64 &^ 4095, -1},
		{math.MaxUint64, 0, 1},
		{1 << 40, 1<<40 + 4096<<24, 1 << 24},
	} {
		if got := PageSteps(c.from>>pageShift, c.to>>pageShift); got != c.steps {
			t.Errorf("PageSteps(%x, %x) = %d, want %d", c.from, c.to, got, c.steps)
		}
		if got := PageAfter(c.from, float64(c.steps)); got != c.to {
			t.Errorf("PageAfter(%x, %d) = %x, want %x", c.from, c.steps, got, c.to)
		}
	}
	for _, far := range []float64{math.MaxFloat32, -math.MaxFloat32, math.Inf(1)} {
		if got := PageAfter(0x5000, far); got%4096 != 0 {
			t.Errorf("PageAfter(0x5000, %v) = %x", far, got)
		}
	}
	if got := PageAfter(0x5000, 1.4); got != 0x6000 {
		t.Errorf("1.4 pages on is %x", got)
	}
}

// TestPlainRowsOfEveryRequest draws requests of all lengths: rows are whole, finite
// and allocate nothing, and series end with their newest value.
func TestPlainRowsOfEveryRequest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		w := drawWorkload(r)
		row := fill(t, &WorkloadFields, 1, func(dst []float32) { WorkloadFieldsRow(w, 1.0/(1<<30), dst) })
		if n := len(w.HistoricalCPU); n > 0 && (row[9] != w.HistoricalCPU[n-1] || row[10-n] != w.HistoricalCPU[0]) {
			t.Fatalf("%v became %v", w.HistoricalCPU, row[:10])
		}
		f, kind := drawFailure(r)
		fill(t, &FailureFields, 1, func(dst []float32) { FailureFieldsRow(f, kind, dst) })
		h := drawThreat(r)
		fill(t, &ThreatFields, 1, func(dst []float32) { ThreatFieldsRow(h, dst) })
		m := drawMemory(r)
		fill(t, &MemoryFields, 1, func(dst []float32) { MemoryFieldsRow(m, dst) })
		dst := make([]float32, 64)
		if n := testing.AllocsPerRun(1, func() {
			WorkloadFieldsRow(w, 1, dst[:35])
			FailureFieldsRow(f, kind, dst[:41])
			ThreatFieldsRow(h, dst[:17])
			MemoryFieldsRow(m, dst[:61])
		}); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	}
}
