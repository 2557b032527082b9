package bridge

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

// The document says what happened: who was answered from where, too late or not, what
// the daemon did, and how model and rule did.
func TestStatusSaysWhatHappened(t *testing.T) {
	r := newRig(t, Config{})
	c := r.submit(workload(1, 0.5))[0]
	r.conns[0].end(model(ipc.Workload, "m@1"))
	r.submit(workload(1, 0.5)) // from the cache
	r.submit(&ipc.MemoryRequest{AgentID: 1})
	r.conns[3].end(says(503, "", "no model for memory"))
	r.Observe([]ipc.Outcome{{PredictionID: c.Reply.PredictionID, Subject: c.Request.Subject(), Actual: c.Reply.Prediction}})
	late := ipc.NewCall(workload(1, 0.5), &r.done)
	late.Arrived = ipc.Now().Add(-time.Second)
	late.Deadline = late.Arrived.Add(time.Millisecond)
	r.Round([]*ipc.Call{late})

	r.settle()
	r.Round(nil)

	d := r.Status()
	if len(d.Kinds) != len(ipc.Kinds) || d.Budget != int64(time.Millisecond) || d.Fallbacks["daemon unavailable"] != 1 {
		t.Errorf("%d kinds, budget %d, fallbacks %v", len(d.Kinds), d.Budget, d.Fallbacks)
	}
	w, m := d.Kinds[0], d.Kinds[3]
	if w.Kind != "workload" || w.Answers["model"] != 1 || w.Answers["cache"] != 2 || w.Late != 1 || w.Subsystem != "scheduler" {
		t.Errorf("workload: %+v", w)
	}
	if w.Model.Name != "m@1" || w.Model.State != "serving" || len(w.Model.Ruled) != 0 || w.Upstream.Breaker != "closed" || w.Upstream.Calls != 1 || w.Upstream.Failing != "" {
		t.Errorf("workload: %+v, %+v", w.Model, w.Upstream)
	}
	if s := w.Score; s.Judged != 1 || s.Joined != 1 || s.Model == nil || *s.Model != 0 || s.RecentRule == nil || len(s.Targets) != 2 || s.Targets[1].Target != "memory" || s.Targets[1].Judged != 1 {
		t.Errorf("workload: %+v", s)
	}
	if m.Answers["rule"] != 1 || m.Model.Name != "" || m.Model.State != "none" || m.Upstream.Breaker != "open" || m.Upstream.Failures != 1 ||
		m.Upstream.Failing == "" || m.Score.Model != nil {
		t.Errorf("memory: %+v", m)
	}

	var counts status.Counters
	r.Count(&counts)
	if c := &counts[0]; c.Answers[ipc.SourceCache] != 2 || c.Late != 1 || c.Latency.N != 3 || c.Latency.Quantile(1) < time.Second {
		t.Errorf("workload's counters: %v, %d late, %d timed, longest %v", c.Answers, c.Late, c.Latency.N, c.Latency.Quantile(1))
	}
}
