package features

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
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

// Of two signals each row is told what the other one's row says of its window.
func TestRowsAreToldOfTheOtherSignal(t *testing.T) {
	r, dst := rand.New(rand.NewPCG(5, 6)), make([]float32, 3*Workload.Width())
	for range 50 {
		_, rows := WorkloadRows(drawWorkload(r), dst)
		row := func(i int) []float32 { return dst[i*Workload.Width() : (i+1)*Workload.Width()] }
		for at, other := range []int{1, 0, 1}[:rows] {
			for i, name := range Workload.Names[workloadOther:workloadPast] {
				from := slices.Index(Workload.Names, strings.TrimPrefix(name, "other_"))
				if got, want := row(at)[workloadOther+i], row(other)[from]; got != want {
					t.Fatalf("row %d: %s = %v, want %v", at, name, got, want)
				}
			}
		}
	}
}

// What is known of the past is told in units of the window, and only where all of it is
// there; the last columns say what a row is of.
func TestPastIsToldInUnitsOfTheWindow(t *testing.T) {
	q := &ipc.WorkloadRequest{
		HistoricalCPU: []float32{0.25, 0.5}, CurrentCPU: 0.5, HistoricalMemory: []uint64{100, 104}, CurrentMemory: 104,
		HistoricalGPU: []float32{0.5, 0.5}, CurrentGPU: ipc.Some(float32(0.5)),
	}
	past := make([]float32, loads.Width)
	for i := range past {
		past[i] = float32(i + 1)
	}
	q.CPUPast, q.MemoryPast, q.GPUPast = past, past, past
	dst := make([]float32, 3*Workload.Width())
	at := func(row int, name string) float32 {
		return dst[row*Workload.Width()+slices.Index(Workload.Names, name)]
	}
	check := func(row int, name string, want float32) {
		t.Helper()
		if got := at(row, name); math.Abs(float64(got-want)) > 1e-5 {
			t.Errorf("row %d: %s = %v, want %v", row, name, got, want)
		}
	}
	WorkloadRows(q, dst)
	for row, unit := range []float32{0.25, 4} {
		check(row, "past_unit", float32(math.Log2(float64(1/unit))))
		check(row, "past_mean", 2/unit)
		check(row, "past_err_mean", 4)
		check(row, "past_autocorrelation", 6)
		check(row, "values3_nearest", min(32, 7/unit))
		check(row, "values5_distance", min(32, 24/unit))
		check(row, "past_err_values5", 28)
		check(row, "past", 1)
		check(row, [...]string{"cpu_row", "memory_row"}[row], 1)
		check(row, "gpu_row", 0)
	}
	check(2, "gpu_row", -1) // a window without steps has no unit to tell it in
	check(2, "past", -1)
	check(2, "past_mean", 0)
	q.CPUPast = past[:loads.Width-1] // another sender's idea of a past
	WorkloadRows(q, dst)
	check(0, "cpu_row", -1)
	check(0, "values3_nearest", 0)
	check(1, "memory_row", 1)
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

func TestWorkloadRowsAreScaleFree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		shares, bytes := make([]float32, 10), make([]uint64, 10)
		for i := range shares {
			v := r.IntN(1 << 12)
			// 2^-14 steps are exact in float32; the level moves along.
			shares[i], bytes[i] = float32(v)/(1<<14), uint64(v)<<30
		}
		var a, b Window
		a.CPU(shares, shares[9])
		b.Bytes(bytes, bytes[9])
		x, y := make([]float32, Workload.Width()), make([]float32, Workload.Width())
		ua, ub := a.Row(x), b.Row(y)
		if got := ub / ua; math.Abs(got/math.Ldexp(1, 44)-1) > 1e-9 {
			t.Fatalf("units %v and %v: factor %v, want 2^44", ua, ub, got)
		}
		for i := range workloadSignal { // what follows says which signal it is
			if math.Abs(float64(x[i]-y[i])) > 1e-5 {
				t.Fatalf("column %s: %v as shares, %v as bytes", Workload.Names[i], x[i], y[i])
			}
		}
	}
}

// A step of one byte at 2^53 is a step: a float of the value would not see it.
func TestBytesAreSubtractedAsIntegers(t *testing.T) {
	var w Window
	w.Bytes([]uint64{1 << 53, 1<<53 + 1}, 1<<53+1)
	if unit := w.Row(make([]float32, Workload.Width())); unit != 1 {
		t.Errorf("unit %v, want 1 byte", unit)
	}
}

func TestCandidatesAreDifferentAndIncludeTheClients(t *testing.T) {
	q := &ipc.MemoryRequest{CurrentAddress: 0x5000, AccessHistory: []uint64{0x1000, 0x3000, 0x2000, 0x3000, 0x5000}}
	q.Candidates = []uint64{0x7fff_ffff_f123, 0x6000}
	var p Pages
	p.Read(q)
	seen := map[uint64]bool{}
	for i := range p.Len() {
		if seen[p.Address(i)] {
			t.Errorf("page %x twice", p.Address(i))
		}
		seen[p.Address(i)] = true
	}
	for _, want := range []uint64{0x6000, 0x4000, 0x7000, 0x5000, 0x7fff_ffff_f000} {
		if !seen[want] {
			t.Errorf("page %x is no candidate", want)
		}
	}
}

// Proposers asked about windows whose next page is plain.
func TestProposersFollowTheirPatterns(t *testing.T) {
	for _, c := range []struct {
		by     int
		window []uint64
		want   uint64
	}{
		{byNext, []uint64{4}, 5},
		{byPrevious, []uint64{0}, math.MaxUint64},
		{bySkip, []uint64{4}, 6},
		{bySame, []uint64{4}, 4},
		{byStep, []uint64{1, 4}, 7},
		{byStep2, []uint64{1, 4, 9}, 12},
		{byMajority, []uint64{1, 3, 5, 7, 100}, 102},
		{byAfterStep, []uint64{1, 2, 9, 10}, 17},
		{byAfterPair, []uint64{0, 1, 3, 8, 9, 11}, 16},
		{byAfterPage, []uint64{7, 70, 3, 7}, 70},
	} {
		p := Pages{majors: majorityStep(c.window)}
		if got, ok := p.propose(c.by, c.window); !ok || got != c.want {
			t.Errorf("proposer %d after %v = %d, %v, want %d", c.by, c.window, got, ok, c.want)
		}
	}
}

// How long health lasts at the rates at which it fell: halves, then a tenth.
func TestFailureRowsTellTheTimeLeft(t *testing.T) {
	q := &ipc.FailureRequest{Component: "memory", HealthScore: 0.4, HistoricalHealth: []float32{1, 0.5, 0.5, 0.5, 0.4}}
	row := make([]float32, Failure.Width())
	FailureRow(q, ipc.FailureMemory, row)
	weighted := func(a float64) float64 { return (0.5*a*a*a + 0.1) / (a*a*a + a*a + a + 1) }
	for name, fall := range map[string]float64{
		"left1": 0.1, "left_worst": 0.5, "left_least": 0.15, "left_middle": 0.15, "left3": 0.1 / 3,
		"left_recent": weighted(0.7), "left_steady": weighted(0.9), "left_used": weighted(0.7), "left_using": weighted(0.85),
	} {
		got, want := float64(row[slices.Index(Failure.Names, name)]), math.Log2(1+0.4/fall)
		if math.Abs(got-want) > 1e-5 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

// What health wins back counts for the mean step, and not for the mean loss.
func TestFailureRowsTellLossesFromChanges(t *testing.T) {
	row := make([]float32, Failure.Width())
	FailureRow(&ipc.FailureRequest{Component: "memory", HealthScore: 0.5, HistoricalHealth: []float32{0.5, 0.3, 0.5}}, ipc.FailureMemory, row)
	column := func(name string) float32 { return row[slices.Index(Failure.Names, name)] }
	if column("left_recent") != farLeft || column("left_used") > 4 {
		t.Errorf("left_recent %v, left_used %v", column("left_recent"), column("left_used"))
	}
	if column("losing") != 0.5 || column("losing5") != 0.5 {
		t.Errorf("losing %v, losing5 %v of two steps, one of which lost", column("losing"), column("losing5"))
	}
}

func TestFamily(t *testing.T) {
	for _, c := range []struct {
		kind  uint8
		since uint64
		want  int
	}{
		{ipc.FailureMemory, 5, FamilyMemory},
		{ipc.FailureCPU, ipc.Never, FamilyResource},
		{ipc.FailureNetwork, BriefSpan, FamilyResource},
		{ipc.FailureIO, BriefSpan - 1, FamilyBrief},
		{ipc.FailureService, 0, FamilyBrief},
		{ipc.FailureService, BriefSpan, FamilyNode},
		{ipc.FailureKernel, 0, FamilyNode},
	} {
		if got := Family(c.kind, c.since); got != c.want {
			t.Errorf("Family(%d, %d) = %d, want %d", c.kind, c.since, got, c.want)
		}
	}
}

// Logarithms of counts are of nodes with counts alone.
func TestFailureRowsTakeLogarithms(t *testing.T) {
	q := &ipc.FailureRequest{
		Component: "node-7", TimeSinceLastFailure: 3 * 3600 * 1000,
		FailureRates: []float32{ipc.RateMonth: 1.5, ipc.RateEver: 3.5, ipc.RateWatched: 70, ipc.RatePeerDaily: 0.05},
	}
	row := make([]float32, Failure.Width())
	FailureRow(q, ipc.FailureKernel, row)
	for name, want := range map[string]float64{
		"is_counted": 1, "log_since": 2, "log_month": 1, "log_own_daily": math.Log2(0.05 + 1e-4),
		"log_shrunk": math.Log2(6.5/130 + 1e-4), "log_share": 0,
	} {
		if got := float64(row[slices.Index(Failure.Names, name)]); math.Abs(got-want) > 1e-5 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	q.FailureRates = nil
	FailureRow(q, ipc.FailureKernel, row)
	for i, v := range row[failureLogs:] {
		if v != 0 {
			t.Errorf("%s = %v without counts", Failure.Names[failureLogs+i], v)
		}
	}
}

// What a client without memory sends is what one with memory sends of an agent that has
// just begun.
func TestThreatRowsWithoutMemory(t *testing.T) {
	var s syscalls.Stream
	for i := range 83 {
		s.Add(syscalls.Group(i*i%syscalls.Groups), 0)
	}
	q := &ipc.ThreatRequest{}
	s.Report(q, syscalls.Ordinary(), 0)
	row := func() []float32 { return fill(t, &Threat, 1, func(dst []float32) { ThreatRow(q, dst) }) }
	with := row()
	q.SyscallFeatures, q.SyscallCounts = q.SyscallFeatures[:windowColumns], nil
	for i, v := range row() {
		if math.Abs(float64(v-with[i])) > 1e-6 {
			t.Errorf("%s: %v without memory, %v with", Threat.Names[i], v, with[i])
		}
	}
	// Counts of nothing, or of other groups, say nothing.
	for _, c := range [][]uint64{make([]uint64, countColumns), {5, 5}} {
		q.SyscallCounts = c
		if got := row(); math.Abs(float64(got[SyscallColumns]-with[SyscallColumns])) > 1e-6 {
			t.Errorf("%d counts: %v of the first group, want %v", len(c), got[SyscallColumns], with[SyscallColumns])
		}
	}
	q.SyscallFeatures = q.SyscallFeatures[:windowColumns-1]
	if HasSyscalls(q) {
		t.Error("a vector of a length that nobody knows counts")
	}
}

// A memory is shared out among the groups as it counted them; a client that sends the sum
// of each class alone is taken to have called the groups of a class as it does now.
func TestThreatRowsShareTheMemory(t *testing.T) {
	var s syscalls.Stream
	for i := range 900 {
		s.Add(syscalls.Group(i%2*i%syscalls.Groups), 0)
	}
	q := &ipc.ThreatRequest{}
	s.Report(q, syscalls.Ordinary(), 0)
	row := func() []float32 { return fill(t, &Threat, 1, func(dst []float32) { ThreatRow(q, dst) }) }
	byCounts, total := row(), 0.0
	for _, c := range q.SyscallCounts {
		total += float64(c)
	}
	for g, c := range q.SyscallCounts {
		if want := float32(float64(c) / total); total != 900 || byCounts[SyscallColumns+g] != want {
			t.Errorf("group %d: %v, want %v of %v", g, byCounts[SyscallColumns+g], want, total)
		}
	}
	q.SyscallCounts = nil
	byClasses := row()
	var classes [syscalls.Classes]float64
	for g := range syscalls.Groups {
		classes[syscalls.Group(g).Class()] += float64(byClasses[SyscallColumns+g])
	}
	for c, sum := range classes {
		if want := float64(byCounts[windowColumns+c]); math.Abs(sum-want) > 1e-6 {
			t.Errorf("class %d: groups sum to %v, want %v", c, sum, want)
		}
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
