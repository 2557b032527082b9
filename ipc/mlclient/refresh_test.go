package mlclient_test

import (
	"testing"
	"testing/synctest"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// TestLookupBatches holds the first refresh back while more are asked for.
func TestLookupBatches(t *testing.T) {
	noLeaks(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	sizes := make(chan int, 8)
	addresses := make(chan uint64, 8) // asked about, of agent 103
	size := func(c *ipctest.Conn) error {
		sizes <- len(c.Calls[0].Requests)
		for _, q := range c.Calls[0].Requests {
			if m, ok := q.(*ipc.MemoryRequest); ok && m.AgentID == 103 {
				addresses <- m.CurrentAddress
			}
		}
		return nil
	}
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
	for agent := range uint64(agents) {
		if k := ipc.Kinds[agent%4]; k != ipc.Memory {
			q := ipctest.Request(k, 100+agent)
			want := ipctest.ModelReply(q).Prediction
			eventually(t, "the answer to each is there", func() bool { r := lookup(c, q); return r.Source == ipc.SourceCache && r.Prediction == want })
		}
	}
	if s := <-addresses; s != 4096+1<<20 {
		t.Errorf("the bridge was asked about address %#x, want the newest", s)
	}
	last := ipctest.Request(ipc.Memory, 100+3).(*ipc.MemoryRequest)
	last.CurrentAddress += 1 << 20
	eventually(t, "the newest question is answered", func() bool { return lookup(c, last).Source == ipc.SourceCache })
}

// What is asked while another question about the agent is away gets an answer of its own.
func TestLookupOfWhatChangesMeanwhile(t *testing.T) {
	noLeaks(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.Reached(arrived), ipctest.Await(release),
		ipctest.SendReply(ipctest.ModelReply), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	q := ipctest.Request(ipc.Memory, 1).(*ipc.MemoryRequest)
	lookup(c, q)
	<-arrived
	other := *q
	other.CurrentAddress += 1 << 20
	lookup(c, &other)
	if s := c.Stats(); s.Queued != 2 || s.Coalesced != 0 {
		t.Errorf("%d queued and %d coalesced, want both questions queued", s.Queued, s.Coalesced)
	}
	close(release)
	eventually(t, "the later question is answered", func() bool {
		r := lookup(c, &other)
		return r.Source == ipc.SourceCache && r.Memory.NextAddress == other.CurrentAddress+1
	})
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

// Questions whose connection breaks have no answer, least of all that of others before them.
func TestLookupOfWhatIsLostOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply), ipctest.ExpectPredict()),
			ipctest.Script(ipctest.Hang()))
		defer done()
		synctest.Wait()
		first, lost := ipctest.Request(ipc.Workload, 1), ipctest.Request(ipc.Workload, 2)
		lookup(c, first)
		synctest.Wait()
		lookup(c, lost)
		synctest.Wait()
		if r := lookup(c, first); r.Source != ipc.SourceCache {
			t.Errorf("the first: %v, want the cache", r.Source)
		}
		if r := lookup(c, lost); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonBridgeUnavailable {
			t.Errorf("the second: %v because %v, want the rule for want of a bridge", r.Source, r.Reason)
		}
		if s := c.Stats(); s.Refreshed != 1 || s.RefreshFailed != 1 {
			t.Errorf("%d questions answered and %d not, want one each", s.Refreshed, s.RefreshFailed)
		}
	})
}
