package features

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

func TestLayoutsNameEveryColumnOnce(t *testing.T) {
	for _, l := range []Layout{Workload, Memory, Failure, Threat, WorkloadFields, MemoryFields, FailureFields, ThreatFields} {
		seen := map[string]bool{}
		for _, n := range l.Names {
			if seen[n] || n == "" {
				t.Errorf("%s: column %q twice or without a name", l.Version, n)
			}
			seen[n] = true
		}
		if _, err := ipc.ParseKind(l.Predictor); err != nil {
			t.Error(err)
		}
	}
}

// TestColumnsAreWhereTheirNamesAre: rows are written by column.
func TestColumnsAreWhereTheirNamesAre(t *testing.T) {
	if len(Workload.Names) != workloadColumns || len(Failure.Names) != failureColumnCount {
		t.Fatalf("%d and %d names, %d and %d columns", len(Workload.Names), len(Failure.Names), workloadColumns, failureColumnCount)
	}
	for _, c := range []struct {
		layout *Layout
		column int
		name   string
	}{
		{&Workload, workloadSamples, "samples"},
		{&Workload, workloadStep2, "step2"},
		{&Workload, workloadMean, "mean"},
		{&Workload, workloadTrend, "trend"},
		{&Workload, workloadErrors, "err_mean"},
		{&Workload, workloadSteps, "autocorrelation"},
		{&Workload, workloadRank, "rank"},
		{&Workload, workloadAnalog, "analog"},
		{&Workload, workloadAbsolute, "unit_absolute"},
		{&Workload, workloadOther, "other_lag1"},
		{&Workload, workloadOther + 9, "other_mean"},
		{&Workload, workloadPast - 4, "other_level"},
		{&Workload, workloadPast - 1, "other_level_absolute"},
		{&Workload, workloadPast, "past_unit"},
		{&Workload, workloadPast + 3, "past_err_mean"},
		{&Workload, workloadPast + 6, "values3_nearest"},
		{&Workload, workloadPast + 12, "steps3_nearest"},
		{&Workload, workloadPast + 18, "value_some"},
		{&Workload, workloadPast + 21, "values5_few"},
		{&Workload, workloadPast + 24, "past_err_values3"},
		{&Workload, workloadWay, "past"},
		{&Workload, workloadWay + 1, "cpu_row"},
		{&Workload, workloadColumns - 1, "gpu_row"},
		{&Failure, failureHealth, "health"},
		{&Failure, failureMeans, "mean5"},
		{&Failure, failureDeviation, "deviation"},
		{&Failure, failureLeft, "left3"},
		{&Failure, failureLeft1, "left1"},
		{&Failure, failureLeft1 + 2, "left_least"},
		{&Failure, failureSmooth, "left_recent"},
		{&Failure, failureWorst, "worst_step"},
		{&Failure, failureReadings, "reading"},
		{&Failure, failureFlagAgo, "flag_ago"},
		{&Failure, failureSamples, "samples"},
		{&Failure, failureLogs, "is_counted"},
	} {
		if got := c.layout.Names[c.column]; got != c.name {
			t.Errorf("%s: column %d is %s, want %s", c.layout.Version, c.column, got, c.name)
		}
	}
}

// fill writes a row that must be filled to its last column with finite numbers:
// the row starts as NaN.
func fill(t *testing.T, l *Layout, rows int, write func(dst []float32)) []float32 {
	t.Helper()
	dst := make([]float32, rows*l.Width())
	for i := range dst {
		dst[i] = float32(math.NaN())
	}
	write(dst)
	for i, v := range dst {
		if v-v != 0 {
			t.Fatalf("%s: column %s is %v", l.Version, l.Names[i%l.Width()], v)
		}
	}
	return dst
}

// Requests at the edges of what Validate lets through.
func TestRowsAreFiniteForEveryValidRequest(t *testing.T) {
	const top = math.MaxUint64
	for _, h := range [][]uint64{nil, {0}, {top}, {0, top}, {top, 0, top, 0, top, 0, top, 0, top, 0}} {
		for _, now := range []uint64{0, 1<<53 + 1, top} {
			w := &ipc.WorkloadRequest{HistoricalMemory: h, CurrentMemory: now, CurrentGPU: ipc.Some(float32(1))}
			for i := range loads.Width {
				edge := [...]float32{0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32}
				w.MemoryPast = append(w.MemoryPast, edge[(i+len(h))%len(edge)])
				w.GPUPast = append(w.GPUPast, edge[(i+1)%len(edge)])
			}
			fill(t, &Workload, 3, func(dst []float32) { WorkloadRows(w, dst) })
			q := &ipc.MemoryRequest{AccessHistory: h, CurrentAddress: now, Candidates: []uint64{top, 0, 5}, AccessTimestamps: h}
			var p Pages
			p.Read(q)
			fill(t, &Memory, p.Len(), func(dst []float32) { p.Rows(q, dst) })
		}
	}
	for _, big := range []float32{0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32} {
		q := &ipc.FailureRequest{Component: "x", CurrentValue: big, Baseline: -big, TimeSinceLastFailure: top - 1}
		fill(t, &Failure, 1, func(dst []float32) { FailureRow(q, ipc.FailureKernel, dst) })
		r := &ipc.ThreatRequest{Anomalies: []ipc.Anomaly{{Type: 1, Severity: big}, {Type: math.MaxUint32, Severity: big}}}
		r.Metrics.OperationCount = top
		r.SyscallFeatures = make([]float32, SyscallColumns)
		fill(t, &Threat, 1, func(dst []float32) { ThreatRow(r, dst) })
	}
}

func TestRowsAllocateNothing(t *testing.T) {
	dst := make([]float32, MaxPages*Memory.Width())
	m := &ipc.MemoryRequest{AccessHistory: make([]uint64, 20), AccessTimestamps: make([]uint64, 20), Candidates: make([]uint64, 16)}
	for i := range m.AccessHistory {
		m.AccessHistory[i] = uint64(i*i) << pageShift
	}
	w := &ipc.WorkloadRequest{HistoricalMemory: []uint64{1, 5, 9, 2}, CurrentMemory: 2}
	f := &ipc.FailureRequest{Component: "cpu", HistoricalHealth: make([]float32, 20), FailureHistory: make([]uint8, 10)}
	th := &ipc.ThreatRequest{
		SyscallFeatures: make([]float32, SyscallColumns), SyscallCounts: make([]uint64, countColumns), Anomalies: make([]ipc.Anomaly, 6),
	}
	var p Pages
	n := testing.AllocsPerRun(50, func() {
		p.Read(m)
		p.Rows(m, dst)
		var win Window
		win.Bytes(w.HistoricalMemory, w.CurrentMemory)
		win.Row(dst)
		FailureRow(f, ipc.FailureCPU, dst)
		ThreatRow(th, dst)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
