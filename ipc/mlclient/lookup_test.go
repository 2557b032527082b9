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
	replies := make([]ipc.Reply, 1)
	if err := c.Predict(t.Context(), []ipc.Request{q}, replies, ipc.Options{Budget: long, RequireModel: true}); err != nil {
		t.Fatal(err)
	}
	if asked.Load() == before {
		t.Error("who insists was given a part of the rule's from the cache")
	}
}

// TestLookupBatches holds the first refresh back while more are asked for.
func TestLookupBatches(t *testing.T) {
	noLeaks(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	sizes := make(chan int, 8)
	size := func(c *ipctest.Conn) error { sizes <- len(c.Calls[0].Requests); return nil }
	bridge := ipctest.Listen(t, ipctest.Script(handshake(),
		ipctest.ExpectPredict(), size, ipctest.Reached(arrived), ipctest.Await(release), ipctest.SendReply(ipctest.ModelReply),
		ipctest.ExpectPredict(), size, ipctest.SendReply(ipctest.ModelReply), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long, RefreshBudget: long})

	if got := lookup(c, ipctest.Request(ipc.Threat, 1)); got.Source != ipc.SourceRule || got.Reason != ipc.ReasonNotCached {
		t.Errorf("first Lookup: %v because %v, want the rule, not cached", got.Source, got.Reason)
	}
	<-arrived
	const agents = 50
	for i := range uint64(agents) {
		lookup(c, ipctest.Request(ipc.Kinds[i%4], 100+i))
	}
	for range 9 { // the newest question about an agent replaces the older ones
		q := ipctest.Request(ipc.Memory, 100+3).(*ipc.MemoryRequest)
		q.CurrentAddress += 1 << 20
		lookup(c, q)
	}
	close(release)
	if first, second := <-sizes, <-sizes; first != 1 || second != agents {
		t.Errorf("batches of %d and %d questions, want 1 and %d", first, second, agents)
	}
	if s := c.Stats(); s.Queued != agents+1 || s.Coalesced != 9 || s.Dropped != 0 || s.RefreshBatches != 2 {
		t.Errorf("stats %+v, want %d queued, 9 coalesced, 2 batches", s, agents+1)
	}
	last := ipctest.Request(ipc.Memory, 100+3).(*ipc.MemoryRequest)
	last.CurrentAddress += 1 << 20
	eventually(t, "the newest question is answered", func() bool { return lookup(c, last).Source == ipc.SourceCache })
}

func TestLookupQueueIsBounded(t *testing.T) {
	noLeaks(t)
	arrived := make(chan struct{})
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.Reached(arrived), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path, RefreshBudget: long, Queue: 10})
	lookup(c, ipctest.Request(ipc.Memory, 1))
	<-arrived // the refresher is busy from now on
	for range 5 {
		lookup(c, ipctest.Request(ipc.Memory, 1)) // is away: not asked twice
	}
	for i := range uint64(100) {
		lookup(c, ipctest.Request(ipc.Memory, 2+i))
	}
	if s := c.Stats(); s.Queued != 1+10 || s.Dropped != 90 || s.Coalesced != 5 {
		t.Errorf("%d queued, %d dropped, %d coalesced, want 11, 90 and 5", s.Queued, s.Dropped, s.Coalesced)
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
}

func TestLookupStale(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply), ipctest.Hang()))
	q := ipctest.Request(ipc.Memory, 1).(*ipc.MemoryRequest)
	other := *q
	other.CurrentAddress += 1 << 20

	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	warm(t, c, q)
	if got := lookup(c, &other); got.Source != ipc.SourceStale || got.Memory.NextAddress != q.CurrentAddress+1 || got.Reason != ipc.ReasonNotCached {
		t.Errorf("another question about the agent: %+v, want the stale answer", got)
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
	if got := lookup(c, other); got.Source != ipc.SourceStale || got.PredictionID != 1 {
		t.Errorf("with another past: %+v, want the stale answer", got)
	}
	agent.Add(loads.Reading{CPU: 0.25})
	if got := lookup(c, report()); got.Source != ipc.SourceStale || got.PredictionID != 1 {
		t.Errorf("an interval later: %+v, want the stale answer", got)
	}
}

func TestLookupInvalid(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path})
	bad := &ipc.FailureRequest{Component: "disk", HealthScore: 2}
	if got := lookup(c, bad); got.Status != ipc.StatusInvalidArgument || got.Source != ipc.SourceNone {
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
			before := client.Stats().Queued
			for range 100 {
				lookup(client, q)
			}
			if after := client.Stats().Queued; after != before {
				t.Errorf("asked %d more times within the TTL, want 0", after-before)
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

func statusReply(s ipc.Status) ipctest.Answer {
	return func(ipc.Request) ipc.Reply { return ipc.Reply{Status: s, Error: "no"} }
}

// A bridge that gives an answer which has just expired has a new one in a moment: the
// client keeps the old one, as old as it is, and asks again.
func TestLookupAsksAgainForWhatIsBeingRefreshed(t *testing.T) {
	noLeaks(t)
	refreshing := func(q ipc.Request) ipc.Reply {
		r := ipctest.ModelReply(q)
		r.Source, r.Reason, r.Age = ipc.SourceStale, ipc.ReasonRefreshing, long/2
		return r
	}
	bridge := ipctest.Listen(t, ipctest.Script(handshake(),
		ipctest.ExpectPredict(), ipctest.SendReply(refreshing), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long / 4, StaleBound: long, RefreshBudget: long})
	q := ipctest.Request(ipc.Memory, 1)
	lookup(c, q)
	eventually(t, "the new answer is there", func() bool {
		r := lookup(c, q)
		if r.Source == ipc.SourceStale && r.Age < long/2 {
			t.Errorf("the old answer is given as %v old, want at least %v", r.Age, long/2)
		}
		return r.Source == ipc.SourceCache
	})
	if s := c.Stats(); s.Refreshed != 2 {
		t.Errorf("%d refreshes, want two", s.Refreshed)
	}
}
