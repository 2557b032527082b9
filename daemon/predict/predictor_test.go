package predict

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

func ask(t *testing.T, q ipc.Request) ipc.Prediction {
	t.Helper()
	if err := q.Validate(); err != nil {
		t.Fatal(err)
	}
	out := make([]ipc.Prediction, 1)
	if err := predictor(t, q.Kind()).Predict([]ipc.Request{q}, out); err != nil {
		t.Fatal(err)
	}
	if err := out[0].Validate(); err != nil {
		t.Fatalf("%+v: %v", out[0], err)
	}
	return out[0]
}

// u64 values survive where a float would round them, at both ends of the range.
func TestStillMemoryIsRepeatedExactly(t *testing.T) {
	for _, v := range []uint64{0, 1, 1<<53 + 1, math.MaxUint64} {
		still := &ipc.WorkloadRequest{HistoricalMemory: []uint64{v, v, v, v}, CurrentMemory: v}
		if got := ask(t, still).Workload.Memory; got != v {
			t.Errorf("memory after %d four times = %d", v, got)
		}
		if got := ask(t, &ipc.WorkloadRequest{CurrentMemory: v}).Workload.Memory; got != v {
			t.Errorf("memory after a single %d = %d", v, got)
		}
	}
}

// What is known of an agent's past is listened to, and a list of another length is none.
func TestThePastIsListenedTo(t *testing.T) {
	// 0.2, 0.2, 0.2, 0.2, 0.7, 0.7, again and again.
	load := func(i int) float32 { return [...]float32{0.2, 0.2, 0.2, 0.2, 0.7, 0.7}[i%6] }
	var tr loads.Tracker
	const n = 202
	for i := range n {
		tr.Add(loads.Reading{CPU: load(i), Memory: 1 << 30})
	}
	q := &ipc.WorkloadRequest{}
	tr.Report(q)
	known := ask(t, q).Workload
	alone := *q
	alone.CPUPast, alone.MemoryPast = nil, nil
	guessed := ask(t, &alone).Workload
	miss := func(p ipc.WorkloadPrediction) float64 { return math.Abs(float64(p.CPU - load(n))) }
	if miss(known) >= miss(guessed)/2 {
		t.Errorf("of a load of %v the model says %v with its past, %v without", load(n), known.CPU, guessed.CPU)
	}
	other := *q
	other.CPUPast = append(slices.Clone(q.CPUPast), 0)
	if got := ask(t, &other).Workload; got != guessed {
		t.Errorf("with a past of another length %+v, want %+v as without", got, guessed)
	}
}

func TestShiftSaturates(t *testing.T) {
	const top = math.MaxUint64
	for _, c := range []struct {
		v      uint64
		change float64
		want   uint64
	}{
		{1<<53 + 1, 0, 1<<53 + 1},
		{1<<53 + 1, 0.4, 1<<53 + 1},
		{1<<53 + 1, -1, 1 << 53},
		{top, 1, top},
		{top - 5, 3, top - 2},
		{5, -6, 0},
		{top, -math.Ldexp(1, 64), 0},
		{0, math.Ldexp(1, 64), top},
		{7, -1e300, 0},
		{7, 1e300, top},
	} {
		if got := shift(c.v, c.change); got != c.want {
			t.Errorf("shift(%d, %v) = %d, want %d", c.v, c.change, got, c.want)
		}
	}
}

func TestGPUIsAbsentOnlyWhereThereIsNone(t *testing.T) {
	if got := ask(t, &ipc.WorkloadRequest{CurrentCPU: 0.5}).Workload.GPU; got.Valid {
		t.Errorf("agent without a GPU got %v", got)
	}
	got := ask(t, &ipc.WorkloadRequest{CurrentGPU: ipc.Some(float32(0))}).Workload.GPU
	if !got.Valid || got.Value != 0 {
		t.Errorf("idle GPU got %+v, want 0 and valid", got)
	}
}

func TestMemoryNamesPagesAtTheEndOfTheAddressSpace(t *testing.T) {
	last := uint64(math.MaxUint64) &^ 4095
	q := &ipc.MemoryRequest{CurrentAddress: last, Candidates: []uint64{0, 1, last, math.MaxUint64}}
	for a := last - 9*4096; a != 0; a += 4096 {
		q.AccessHistory = append(q.AccessHistory, a)
	}
	got := ask(t, q).Memory
	if got.NextAddress%4096 != 0 || got.MoreLen != ipc.MaxMore || got.Confidence != got.Probability {
		t.Errorf("got %+v", got)
	}
	// Further pages have the chance to come soon, which may be more than that of the next.
	for i, before := 0, float32(1); i < got.MoreLen; i++ {
		if m := got.More[i]; m.Probability > before || m.Address == got.NextAddress {
			t.Errorf("more[%d] = %+v behind %v", i, m, before)
		}
		before = got.More[i].Probability
	}
}

// A walk from page to page is the clearest pattern there is.
func TestMemoryFollowsAWalk(t *testing.T) {
	q := &ipc.MemoryRequest{LocalityScore: 1}
	for i := range uint64(ipc.MaxAccessHistory) {
		q.AccessHistory = append(q.AccessHistory, 0x7f12_3456_7000+i*4096)
	}
	q.CurrentAddress = q.AccessHistory[ipc.MaxAccessHistory-1]
	got := ask(t, q).Memory
	if want := q.CurrentAddress + 4096; got.NextAddress != want || got.Probability < 0.5 {
		t.Errorf("next %x with %v, want %x with at least 0.5", got.NextAddress, got.Probability, want)
	}
}

// Memory that is nearly gone and shrinks is worse than memory that is half free and stays.
func TestFailureSeesExhaustion(t *testing.T) {
	var falling, steady ipc.FailureRequest
	for i := range 20 {
		falling.HistoricalHealth = append(falling.HistoricalHealth, 0.98-0.05*float32(i))
		steady.HistoricalHealth = append(steady.HistoricalHealth, 0.5)
	}
	falling.Component, steady.Component = "memory", "memory"
	falling.HealthScore, falling.CurrentValue, falling.Trend = falling.HistoricalHealth[19], 0.97, ipc.TrendDegrading
	steady.HealthScore, steady.CurrentValue = 0.5, 0.5
	falling.TimeSinceLastFailure, steady.TimeSinceLastFailure = ipc.Never, ipc.Never
	bad, good := ask(t, &falling).Failure, ask(t, &steady).Failure
	if bad.Probability < 0.5 || good.Probability > 0.1 || !bad.PredictedTime.Valid || good.PredictedTime.Valid {
		t.Errorf("falling %+v, steady %+v", bad, good)
	}
	if bad.Type != ipc.FailureMemory {
		t.Errorf("type %d of component memory", bad.Type)
	}
}

// What failed a second ago, again and again, is told fractions of a second; what never
// did, minutes.
func TestFailureTellsTheTimeScale(t *testing.T) {
	q := &ipc.FailureRequest{Component: "io", HealthScore: 0.2, CurrentValue: 0.8, Baseline: 0.6, TimeSinceLastFailure: 1000}
	for i := range 20 {
		q.HistoricalHealth = append(q.HistoricalHealth, 0.2*float32(i%3))
	}
	q.FailureHistory = []uint8{1, 0, 1, 0, 1, 1, 0, 1, 1, 0}
	brief := ask(t, q).Failure
	q.TimeSinceLastFailure, q.FailureHistory = ipc.Never, make([]uint8, 10)
	slow := ask(t, q).Failure
	if brief.Probability < 2*slow.Probability {
		t.Errorf("failed again and again %+v, never %+v", brief, slow)
	}
	if at := brief.PredictedTime; at.Valid && at.Value > 2e9+1 {
		t.Errorf("told %d ns, more than the horizon of 2 s", at.Value)
	}
}

func TestThreatIsLessSureOfCountersAlone(t *testing.T) {
	q := &ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never}
	q.Metrics = ipc.ThreatMetrics{OperationCount: 40, SyscallCount: 100}
	counters := ask(t, q).Threat.Confidence
	q.Anomalies = []ipc.Anomaly{{Type: 5000, Severity: 1}}
	unread := ask(t, q).Threat.Confidence
	_, full := vectors(t, ipc.Threat)
	vector := ask(t, full[0]).Threat.Confidence
	if !(unread < 0.5 && unread < counters && counters < vector) {
		t.Errorf("confidence with unread findings %v, counters %v, call stream %v: want this order, the first below 0.5",
			unread, counters, vector)
	}
}

// Batches of any size, also over the engine's chunk, answer like single calls.
func TestBatchesAnswerLikeSingleCalls(t *testing.T) {
	for _, k := range ipc.Kinds {
		p, reqs := predictor(t, k), batchOf(k, 200)
		together := make([]ipc.Prediction, len(reqs))
		if err := p.Predict(reqs, together); err != nil {
			t.Fatal(err)
		}
		one := make([]ipc.Prediction, 1)
		for i := range reqs {
			if err := p.Predict(reqs[i:i+1], one); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one[0], together[i]); diff != "" {
				t.Fatalf("%v request %d alone and in a batch:\n%s", k, i, diff)
			}
		}
	}
}

func TestConcurrentCallsDoNotMix(t *testing.T) {
	p, reqs := predictor(t, ipc.Memory), batchOf(ipc.Memory, 40)
	want := make([]ipc.Prediction, len(reqs))
	if err := p.Predict(reqs, want); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 2 * maxIdle {
		group.Go(func() {
			got := make([]ipc.Prediction, len(reqs))
			if err := p.Predict(reqs, got); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	group.Wait()
}

func TestPredictAllocatesNothing(t *testing.T) {
	for _, k := range ipc.Kinds {
		p, reqs := predictor(t, k), batchOf(k, 64)
		out := make([]ipc.Prediction, len(reqs))
		if n := testing.AllocsPerRun(20, func() { _ = p.Predict(reqs, out) }); n != 0 {
			t.Errorf("%v: %v allocations a call", k, n)
		}
	}
}

func TestNewRefusesModelsOfOtherPredictors(t *testing.T) {
	for _, k := range ipc.Kinds {
		for _, other := range ipc.Kinds {
			_, err := New(k, embedded(t, other), nil)
			if (err == nil) != (k == other) {
				t.Errorf("New(%v, %v model): %v", k, other, err)
			}
			if err != nil && !strings.Contains(err.Error(), other.String()) {
				t.Errorf("New(%v, %v model): %q does not say what the file holds", k, other, err)
			}
		}
	}
}

func TestNewRefusesOtherFeatures(t *testing.T) {
	m := newMetadata(embedded(t, ipc.Failure))
	m.values["features"] = "failure-0"
	newFailure(m)
	if m.err == nil || !strings.Contains(m.err.Error(), "train again") {
		t.Errorf("features failure-0: %v", m.err)
	}
	for _, bad := range []string{"", "1,2,3", "0,1,1,1", "1,x,1,1", "1,1,1,99999999999999999999"} {
		m := newMetadata(embedded(t, ipc.Failure))
		m.values["interval_ms"] = bad
		if newFailure(m); m.err == nil {
			t.Errorf("interval_ms %q passed", bad)
		}
	}
}

func TestPredictRefusesMixedCalls(t *testing.T) {
	p, out := predictor(t, ipc.Failure), make([]ipc.Prediction, 2)
	if err := p.Predict(batchOf(ipc.Failure, 1), out); err == nil {
		t.Error("one request and two predictions passed")
	}
	if err := p.Predict([]ipc.Request{sample(ipc.Failure, 1), sample(ipc.Memory, 1)}, out); err == nil {
		t.Error("a memory request passed")
	}
	if err := p.Predict(nil, nil); err != nil {
		t.Errorf("no request: %v", err)
	}
}
