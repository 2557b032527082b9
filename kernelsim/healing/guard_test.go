package healing

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

var began = time.Unix(1000, 0)

func at(reading int) time.Time { return began.Add(time.Duration(reading) * time.Second) }

func likely(p float32, failureType uint8) *ipc.FailurePrediction {
	return &ipc.FailurePrediction{Probability: p, Type: failureType}
}

func TestGuardCatchesWithinTheHorizon(t *testing.T) {
	const horizon = 10
	for _, c := range []struct {
		alarm, failure int
		early          bool
	}{{5, 6, true}, {5, 15, true}, {5, 16, false}, {5, 5, false}} {
		var g guard
		g.advise(likely(0.5, ipc.FailureIO), c.alarm, at(c.alarm))
		if early := g.failure(c.failure, horizon, at(c.failure)); early != c.early {
			t.Errorf("alarm at %d, failure at %d: early %v, want %v", c.alarm, c.failure, early, c.early)
		}
		if c.early && median(g.leads) != time.Duration(c.failure-c.alarm)*time.Second {
			t.Errorf("alarm at %d, failure at %d: lead %v", c.alarm, c.failure, median(g.leads))
		}
	}
}

func TestGuardCountsFalseAlarms(t *testing.T) {
	var g guard
	g.advise(likely(0.9, ipc.FailureService), 1, at(1))
	g.failure(4, 10, at(4))
	g.advise(likely(0.9, ipc.FailureService), 20, at(20))
	if judged, wrong := g.expire(30, 10); judged != 1 || wrong != 0 {
		t.Errorf("at 30: %d judged, %d wrong; want the first, right, and the second still open", judged, wrong)
	}
	if judged, wrong := g.expire(31, 10); judged != 1 || wrong != 1 {
		t.Errorf("at 31: %d judged, %d wrong; want the second, wrong", judged, wrong)
	}
	if g.raised != 2 || g.right != 1 || g.wrong != 1 || g.caught != 1 || g.runs[ipc.FailureService] != 2 {
		t.Errorf("%+v", g)
	}
}

func TestGuardRunsOneProcedureAtATime(t *testing.T) {
	var g guard
	g.advise(likely(0.49, ipc.FailureCPU), 1, at(1))
	if g.raised != 0 {
		t.Error("an unlikely failure raised an alarm")
	}
	for n := range 11 {
		g.advise(likely(1, ipc.FailureCPU), n, at(n)) // takes ten readings
	}
	if g.raised != 2 {
		t.Errorf("%d procedures in eleven readings, want 2", g.raised)
	}
}

// The lead of a failure is that of the first alarm in its horizon; the median is of all.
func TestLeads(t *testing.T) {
	var g guard
	for _, n := range []int{1, 11} {
		g.advise(likely(0.9, ipc.FailureMemory), n, at(n))
	}
	if g.failure(15, 20, at(15)); len(g.leads) != 1 || g.leads[0] != 14*time.Second {
		t.Errorf("leads %v of one failure with two alarms before it, want 14 s", g.leads)
	}
	if got := median([]time.Duration{3, 9, 1}); got != 3 {
		t.Errorf("median %d, want 3", got)
	}
}

func TestEveryFailureTypeHasAProcedure(t *testing.T) {
	for i := range ipc.FailureKernel + 1 {
		if p := ProcedureFor(i); p.Name == "" || p.Readings < 1 {
			t.Errorf("type %d: %+v", i, p)
		}
	}
	if ProcedureFor(200) != ProcedureFor(ipc.FailureKernel) {
		t.Error("an unknown type is not treated as a kernel failure")
	}
}
