package bridge

import (
	"slices"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// asks submits workload questions about the agents on behalf of a peer.
func (r *rig) asks(a *ipc.Account, class ipc.Class, budget time.Duration, agents ...uint64) []*ipc.Call {
	calls := make([]*ipc.Call, len(agents))
	for i, agent := range agents {
		c := ipc.NewCall(workload(agent, 0.5), &r.done)
		c.Arrived = r.now()
		c.Deadline, c.Account, c.Class = c.Arrived.Add(budget), a, class
		calls[i] = c
	}
	r.Round(calls)
	return calls
}

// queued gives the agents in the order in which they would leave.
func (r *rig) queued() (agents []uint64) {
	for _, q := range r.lanes[0].queue {
		agents = append(agents, q.key.Subject.Agent)
	}
	return agents
}

// hurry is a budget whose deadline a rig, whose loop does not run, never meets.
const hurry = time.Millisecond

func TestPeersTakeTurns(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	var heavy, light, third ipc.Account
	r.asks(&heavy, 0, hurry, 1) // out
	r.asks(&heavy, 0, hurry, 2, 3, 4, 5)
	r.asks(&light, 0, hurry, 10, 11)
	r.asks(&third, 0, hurry, 20)
	r.asks(nil, 0, hurry, 30) // of this process
	if got, want := r.queued(), []uint64{10, 20, 30, 2, 11, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("the questions leave in the order %v, want %v", got, want)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	r.asks(&light, 0, hurry, 12) // who was idle does not make up for it
	r.asks(&heavy, 0, hurry, 6)
	if got, want := r.queued(), []uint64{12, 6}; !slices.Equal(got, want) {
		t.Errorf("then %v, want %v", got, want)
	}
	var newcomer ipc.Account // nor is one who comes late before all others
	r.asks(&newcomer, 0, hurry, 40, 41, 42)
	if got, want := r.queued(), []uint64{12, 40, 6, 41, 42}; !slices.Equal(got, want) {
		t.Errorf("with a newcomer %v, want %v", got, want)
	}
}

// A question of callers with time is one in a hurry as soon as such a caller joins it.
func TestAPatientQuestionIsJoinedByAHurriedCaller(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	l := r.lanes[0]
	var a, b ipc.Account
	r.asks(&a, 0, hurry, 1) // out
	r.asks(&a, 0, time.Second, 2)
	r.asks(&b, 0, hurry, 3, 4, 5)
	if got, want := r.queued(), []uint64{3, 4, 5, 2}; !slices.Equal(got, want) || l.urgent != 4 {
		t.Fatalf("queued %v, %d urgent; want %v, 4", got, l.urgent, want)
	}
	r.asks(&b, 0, hurry, 2)
	if got, want := r.queued(), []uint64{3, 4, 2, 5}; !slices.Equal(got, want) || l.urgent != 5 {
		t.Errorf("then %v, %d urgent; want %v, 5", got, l.urgent, want)
	}
	r.asks(&b, 0, time.Second, 4) // one who has time does not slow it down
	if got := r.queued(); l.urgent != 5 || got[1] != 4 {
		t.Errorf("then %v, %d urgent", got, l.urgent)
	}
	r.settle()
	if l.urgent != 0 {
		t.Errorf("%d urgent after all were answered", l.urgent)
	}
}

// What is refused takes no turn: a peer that asked far too much is not behind the others
// for as long afterwards.
func TestShedQuestionsTakeNoTurn(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	r.lanes[0].limiter.limit = 4
	var flood, other ipc.Account
	r.asks(&other, 0, hurry, 1)       // out
	r.asks(&other, 0, hurry, 2, 3, 4) // the first goes out, too: it is a batch
	for agent := range uint64(100) {
		r.asks(&flood, ipc.ClassLow, hurry, 1000+agent) // all shed
	}
	r.lanes[0].limiter.limit = 10
	r.asks(&flood, 0, hurry, 20)
	r.asks(&other, 0, hurry, 5)
	if got, want := r.queued(), []uint64{20, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("the questions leave in the order %v, want %v", got, want)
	}
}

func TestOrderOfClassesAndOfTime(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	var a ipc.Account
	a.Quota.Class = ipc.ClassNormal
	var free ipc.Account
	r.asks(&a, 0, hurry, 1) // out
	r.asks(&free, ipc.ClassLow, hurry, 2)
	r.asks(&free, 0, time.Second, 3)
	r.asks(&free, 0, hurry, 4)
	r.asks(&free, ipc.ClassHigh, hurry, 5)
	r.asks(&a, ipc.ClassHigh, hurry, 6) // held to normal
	if got, want := r.queued(), []uint64{5, 6, 4, 3, 2}; !slices.Equal(got, want) {
		t.Errorf("the questions leave in the order %v, want %v", got, want)
	}
	r.asks(&free, ipc.ClassHigh, hurry, 2) // somebody to whom the last matters joins it
	if got, want := r.queued(), []uint64{2, 5, 6, 4, 3}; !slices.Equal(got, want) {
		t.Errorf("then %v, want %v", got, want)
	}
	if l := r.lanes[0]; l.urgent != 5 {
		t.Errorf("%d questions count as urgent, want those that have little time: 5", l.urgent)
	}
	r.settle()
	if l := r.lanes[0]; l.urgent != 0 || r.done.n != 7 {
		t.Errorf("after the end %d count as urgent, %d answered; want 0, 7", l.urgent, r.done.n)
	}
}

// A question that gives way to one of a higher class gives its peer's turn back.
func TestEvictedQuestionsGiveTheirTurnBack(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	r.lanes[0].limiter.limit = 4
	var flood, other ipc.Account
	r.asks(&other, 0, hurry, 1)               // out
	r.asks(&flood, ipc.ClassLow, hurry, 1000) // out, too
	waits := r.asks(&flood, ipc.ClassLow, hurry, 2, 3)
	if flood.Turn[0] != 3 {
		t.Fatalf("the peer's next turn is %d after three questions, want 3", flood.Turn[0])
	}
	r.asks(&other, 0, hurry, 10, 11)
	for _, c := range waits {
		if c.Reply.Reason != ipc.ReasonOverloaded {
			t.Errorf("%+v, want it shed", c.Reply)
		}
	}
	if flood.Turn[0] != 1 {
		t.Errorf("the peer's next turn is %d though the daemon was asked one question of it, want 1", flood.Turn[0])
	}
}

// A peer cannot make the bridge shed others by asking with budgets that nobody can meet.
func TestHopelessBudgetsDoNotCount(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	var hostile ipc.Account
	r.asks(&hostile, 0, time.Microsecond, 1, 2, 3)
	for _, q := range []uint64{1, 2, 3} {
		key := keyOf(workload(q, 0.5))
		r.lanes[0].open.find(&key).waiting[0].deadline.Fire()
	}
	if r.lanes[0].limiter.missed || r.lanes[0].urgent != 0 {
		t.Errorf("missed %v, %d urgent; want neither", r.lanes[0].limiter.missed, r.lanes[0].urgent)
	}
}
