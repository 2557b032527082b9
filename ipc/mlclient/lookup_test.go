package mlclient_test

import (
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

func TestLookupWithoutABridge(t *testing.T) {
	noLeaks(t)
	c := newClient(t, mlclient.Config{Path: t.TempDir() + "/nobody"})
	for _, k := range ipc.Kinds {
		q := ipctest.Request(k, 1)
		var want ipc.Reply
		rules.Answer(q, ipc.ReasonBridgeUnavailable, &want)
		if diff := cmp.Diff(want, lookup(c, q)); diff != "" {
			t.Errorf("%s: not the rule's answer:\n%s", k, diff)
		}
	}
}

func TestLookupHit(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	for _, k := range ipc.Kinds {
		q := ipctest.Request(k, 1)
		warm(t, c, q)
		got := lookup(c, q)
		if got.Age <= 0 {
			t.Errorf("%s: age %v of a cached answer, want some", k, got.Age)
		}
		want := ipctest.ModelReply(q)
		want.Source, want.Age = ipc.SourceCache, got.Age
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: not the model's answer:\n%s", k, diff)
		}
		if n := testing.AllocsPerRun(100, func() { c.Lookup(q, &got) }); n != 0 {
			t.Errorf("%s: a hit allocates %v times, want 0", k, n)
		}
	}
	if got := lookup(c, ipctest.Request(ipc.Memory, 2)); got.Source != ipc.SourceRule {
		t.Errorf("another agent: %v, want the rule", got.Source)
	}
	if s := c.Stats(); s.Lookups[ipc.SourceCache] != 4*102 || s.Lookups[ipc.SourceRule] != 1 {
		t.Errorf("lookups %v, want 408 from the cache and one by the rule", s.Lookups)
	}
}

// TestPartsOfTheRule stay marked as such in what the cache gives, and whoever insists on a
// model is not given them from there.
func TestPartsOfTheRule(t *testing.T) {
	noLeaks(t)
	var asked atomic.Int32
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(func(q ipc.Request) ipc.Reply {
		asked.Add(1)
		r := ipctest.ModelReply(q)
		r.Reason, r.Ruled = ipc.ReasonDemoted, ipc.TargetMemory
		return r
	})))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	q := ipctest.Request(ipc.Workload, 1)
	warm(t, c, q)
	if got := lookup(c, q); got.Source != ipc.SourceCache || got.Reason != ipc.ReasonDemoted || got.Ruled != ipc.TargetMemory {
		t.Errorf("%v, %v, ruled %q; want the cache and the rule's memory", got.Source, got.Reason, got.Ruled)
	}
	before := asked.Load()
	if got := predict(t, c, q, ipc.Options{Budget: long}); got.Source != ipc.SourceCache || got.Ruled != ipc.TargetMemory || asked.Load() != before {
		t.Errorf("who waits: %v, ruled %q, %d asked anew; want the cache", got.Source, got.Ruled, asked.Load()-before)
	}
	predict(t, c, q, ipc.Options{Budget: long, RequireModel: true})
	if asked.Load() == before {
		t.Error("who insists was given a part of the rule's from the cache")
	}
}

func TestLookupMemoryIsBounded(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, Entries: 256, TTL: long})
	hot := ipctest.Request(ipc.Failure, 0)
	warm(t, c, hot)
	for i := range uint64(10_000) {
		lookup(c, ipctest.Request(ipc.Kinds[i%4], 1+i))
		lookup(c, hot) // what is used stays
	}
	if s := c.Stats(); s.Entries > 256 || s.Evicted < 9000 {
		t.Errorf("%d entries after evicting %d of 10,001, want at most 256", s.Entries, s.Evicted)
	}
	if got := lookup(c, hot); got.Source != ipc.SourceCache {
		t.Errorf("an entry in use was evicted: %v", got.Source)
	}
	c = newClient(t, mlclient.Config{Path: bridge.Path, CacheBytes: 1 << 18})
	waitUp(t, c)
	for i := range uint64(1000) {
		lookup(c, ipctest.Request(ipc.Workload, i))
	}
	if s := c.Stats(); s.Bytes > 1<<18 || s.Evicted == 0 {
		t.Errorf("%d bytes after evicting %d of 1,000, want at most 256 KiB", s.Bytes, s.Evicted)
	}
}

func TestLookupStale(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply), ipctest.Hang()))
	q := ipctest.Request(ipc.Memory, 1).(*ipc.MemoryRequest)
	other := *q
	other.CurrentAddress += 1 << 20

	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	warm(t, c, q)
	if got := lookup(c, &other); got.Source != ipc.SourceStale || got.Memory.NextAddress != q.CurrentAddress+1 || got.Reason != ipc.ReasonNotCached || got.PredictionID != 0 {
		t.Errorf("another question about the agent: %+v, want the stale answer, without an id", got)
	}

	c = upClient(t, mlclient.Config{Path: bridge.Path, TTL: 1, StaleBound: long})
	warm(t, c, q)
	if got := lookup(c, q); got.Source != ipc.SourceStale || got.PredictionID != 1 || got.Age <= 0 {
		t.Errorf("after the TTL: %+v, want the stale answer under its id", got)
	}

	c = upClient(t, mlclient.Config{Path: bridge.Path, TTL: 1, StaleBound: 1})
	warm(t, c, q)
	if got := lookup(c, q); got.Source != ipc.SourceRule {
		t.Errorf("after the stale bound: %v, want the rule", got.Source)
	}
}

// What is known of an agent's longer past is part of the question: within an interval it is
// the same again, in the next one another, whose answer until then is the last one's.
func TestLookupOfFollowedAgents(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	var agent loads.Tracker
	report := func() *ipc.WorkloadRequest {
		q := &ipc.WorkloadRequest{AgentID: 1}
		agent.Report(q)
		return q
	}
	for i := range 40 {
		agent.Add(loads.Reading{CPU: float32(i%3) / 4})
	}
	q := report()
	warm(t, c, q)
	if got := lookup(c, report()); got.Source != ipc.SourceCache || got.PredictionID != 1 || len(q.CPUPast) != loads.Width {
		t.Errorf("the same question, with a past of %d: %+v, want the answer from the cache", len(q.CPUPast), got)
	}
	other := q.Copy().(*ipc.WorkloadRequest)
	other.CPUPast[0] *= 2
	if got := lookup(c, other); got.Source != ipc.SourceStale || got.PredictionID != 0 {
		t.Errorf("with another past: %+v, want the stale answer, without an id", got)
	}
	agent.Add(loads.Reading{CPU: 0.25})
	if got := lookup(c, report()); got.Source != ipc.SourceStale || got.PredictionID != 0 {
		t.Errorf("an interval later: %+v, want the stale answer, without an id", got)
	}
}

func TestLookupInvalid(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path})
	bad := &ipc.FailureRequest{Component: "disk", HealthScore: 2}
	if got := lookup(c, bad); got.Status != ipc.StatusInvalidArgument || got.Source != ipc.SourceNone || got.Error == "" {
		t.Errorf("Lookup of an invalid request = %+v", got)
	}
	if got := predict(t, c, bad, ipc.Options{}); got.Status != ipc.StatusInvalidArgument || got.Source != ipc.SourceNone {
		t.Errorf("Predict of an invalid request = %+v", got)
	}
	if s := c.Stats(); s.Queued != 0 || s.Lookups[ipc.SourceNone] != 1 {
		t.Errorf("stats %+v, want nothing queued and one Lookup without an answer", s)
	}
}

// TestLookupTakesNoForAnAnswer counts the questions about an agent to whom the
// bridge has nothing better to say than the client.
func TestLookupTakesNoForAnAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer ipctest.Answer
		want   ipc.Reason
	}{
		{"rule", ruleBecause(ipc.ReasonBreakerOpen), ipc.ReasonBreakerOpen},
		{"demoted", ruleBecause(ipc.ReasonDemoted), ipc.ReasonDemoted},
		{"switched off", ruleBecause(ipc.ReasonSwitchedOff), ipc.ReasonSwitchedOff},
		{"no reason", ruleBecause(ipc.ReasonNone), ipc.ReasonDaemonUnavailable},
		{"unsure", ipctest.Unsure, ipc.ReasonLowConfidence},
		{"stale", staleBecause(ipc.ReasonBreakerOpen), ipc.ReasonBreakerOpen},
		{"overloaded", statusReply(ipc.StatusOverloaded), ipc.ReasonOverloaded},
		{"unavailable", statusReply(ipc.StatusUnavailable), ipc.ReasonDaemonUnavailable},
		{"too late", statusReply(ipc.StatusDeadlineExceeded), ipc.ReasonDeadline},
		{"internal", statusReply(ipc.StatusInternal), ipc.ReasonInvalidOutput},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(c.answer)))
			client := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
			q := ipctest.Request(ipc.Workload, 1)
			eventually(t, "Lookup gives the bridge's reason", func() bool {
				r := lookup(client, q)
				return r.Source == ipc.SourceRule && r.Reason == c.want
			})
			before := client.Stats()
			for range 100 {
				lookup(client, q)
			}
			if n := client.Stats().Queued - before.Queued; n != 0 {
				t.Errorf("asked %d more times within the TTL, want 0", n)
			}
			if before.Refreshed+before.RefreshFailed != before.Queued || (before.RefreshFailed > 0) != (c.answer(q).Status != ipc.StatusOK) {
				t.Errorf("%d questions answered and %d not, of %d", before.Refreshed, before.RefreshFailed, before.Queued)
			}
			other := ipctest.Request(ipc.Workload, 1).(*ipc.WorkloadRequest)
			other.CurrentCPU = 0.9
			if r := lookup(client, other); r.Reason != ipc.ReasonNotCached || client.Stats().Queued != before.Queued+1 {
				t.Errorf("another question about the agent: the rule because of %v; want it asked", r.Reason)
			}
		})
	}
}

func TestLookupForgetsACondemnedModel(t *testing.T) {
	noLeaks(t)
	for _, why := range []ipc.Reason{ipc.ReasonDemoted, ipc.ReasonSwitchedOff} {
		lookupForgets(t, why)
	}
}

func lookupForgets(t *testing.T, why ipc.Reason) {
	t.Helper()
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply),
		ipctest.Serve(ruleBecause(why))))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: 1, StaleBound: long})
	q := ipctest.Request(ipc.Threat, 1)
	warm(t, c, q)
	if got := lookup(c, q); got.Source != ipc.SourceStale {
		t.Fatalf("before the demotion: %v, want stale", got.Source)
	}
	eventually(t, "stale answers of the demoted model are gone", func() bool { return lookup(c, q).Source == ipc.SourceRule })
}

// ruleBecause answers as a bridge whose model does not.
func ruleBecause(why ipc.Reason) ipctest.Answer {
	return func(q ipc.Request) (r ipc.Reply) {
		rules.Answer(q, why, &r)
		r.PredictionID = 77
		return r
	}
}

// staleBecause answers as a bridge whose model does not, and did.
func staleBecause(why ipc.Reason) ipctest.Answer {
	return func(q ipc.Request) ipc.Reply {
		r := ipctest.ModelReply(q)
		r.Source, r.Reason, r.PredictionID = ipc.SourceStale, why, 88
		return r
	}
}

func statusReply(s ipc.Status) ipctest.Answer {
	return func(ipc.Request) ipc.Reply { return ipc.Reply{Status: s, Error: "no"} }
}
