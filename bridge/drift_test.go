package bridge

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestDriftTellsOtherQuestionsApart, and the same ones not.
func TestDriftTellsOtherQuestionsApart(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, k := range ipc.Kinds {
		draw := func(shift float64) ipc.Request {
			v := float32(min(max(0.3+shift+0.1*r.NormFloat64(), 0), 1))
			size := uint64(math.Exp2(20 + 20*float64(v)))
			switch k {
			case ipc.Workload:
				return &ipc.WorkloadRequest{HistoricalCPU: []float32{0.3, v}, CurrentCPU: v, CurrentMemory: size}
			case ipc.Threat:
				return &ipc.ThreatRequest{Metrics: ipc.ThreatMetrics{SyscallCount: size, NetworkActivity: size}}
			case ipc.Failure:
				return &ipc.FailureRequest{HistoricalHealth: []float32{0.3, v}, HealthScore: v, Trend: int8(-2 + int(4*v)%4)}
			}
			return &ipc.MemoryRequest{AccessHistory: []uint64{1 << 50, 1<<50 + size}, LocalityScore: v}
		}
		var d drift
		for range driftEvery * (driftFirst + 3*driftRecent) {
			d.look(draw(0))
		}
		if got := d.snapshot(k); slices.ContainsFunc(got, Drift.Drifted) {
			t.Errorf("%v: the same questions: %+v", k, got)
		}
		for range driftEvery * driftRecent {
			d.look(draw(0.3))
		}
		drifted := 0
		for _, input := range d.snapshot(k) {
			if input.Drifted() {
				drifted++
			}
		}
		// All that is drawn has; the anomalies and the kind of an access never vary.
		if want := map[ipc.Kind]int{ipc.Workload: 3, ipc.Threat: 2, ipc.Failure: 3, ipc.Memory: 2}[k]; drifted != want {
			t.Errorf("%v: other questions: %+v, want a drift of %d of them", k, d.snapshot(k), want)
		}
		if d.restart(); slices.ContainsFunc(d.snapshot(k), Drift.Drifted) {
			t.Errorf("%v: a drift right after the start", k)
		}
	}
}

// TestDriftIsOfWhatIsAsked: every question counts, wherever its answer comes from, and what
// a new model is asked at first is what is compared with from then on.
func TestDriftIsOfWhatIsAsked(t *testing.T) {
	c := newCourt(t)
	d := &c.score.of(ipc.Workload).drift
	q := c.question()
	for range driftEvery * (driftFirst + 1) {
		c.submit(q)
	}
	if !d.known || d.calls != driftEvery*(driftFirst+1) {
		t.Fatalf("%d questions counted, the first ones known %v", d.calls, d.known)
	}
	c.name = "m@2"
	if c.ask(0.75); d.known || d.seen != 0 {
		t.Errorf("with another model: %d samples, the first ones known %v", d.seen, d.known)
	}
}
