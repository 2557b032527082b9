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
		c.Arrived = ipc.Now()
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

// Above the limit the last in the order is answered from a lower rung at once.
func TestLowestIsShedFirst(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	r.lanes[0].limiter.limit = 4
	var heavy, light ipc.Account
	r.asks(&heavy, 0, hurry, 1)                // out, and counts
	waits := r.asks(&heavy, 0, hurry, 2, 3, 4) // the first goes out, too: it is a batch
	shed := func(c *ipc.Call) bool {
		return c.Reply.Source == ipc.SourceRule && c.Reply.Reason == ipc.ReasonOverloaded
	}
	if c := r.asks(&heavy, 0, hurry, 5)[0]; !shed(c) {
		t.Errorf("one more of the same peer: %+v, want it shed", c.Reply)
	}
	if c := r.asks(&light, 0, hurry, 10)[0]; r.done.n != 2 || shed(c) || !shed(waits[2]) {
		t.Errorf("one of another peer: %+v, and the heavy one's last %+v; want the latter shed", c.Reply, waits[2].Reply)
	}
	if c := r.asks(&light, ipc.ClassLow, hurry, 11)[0]; !shed(c) {
		t.Errorf("of a low class: %+v, want it shed", c.Reply)
	}
	if r.asks(&light, ipc.ClassHigh, hurry, 12); r.done.n != 3 {
		t.Errorf("%d answered, want room for a high class above the limit", r.done.n)
	}
	if c := r.asks(&light, 0, time.Second, 13)[0]; shed(c) || r.lanes[0].urgent != 5 {
		t.Errorf("of a caller with time: %+v, %d urgent; want it to wait behind the others", c.Reply, r.lanes[0].urgent)
	}
	if got, want := r.queued(), []uint64{12, 10, 3, 13}; !slices.Equal(got, want) {
		t.Errorf("queued are %v, want %v", got, want)
	}
	if got := count(t, r.stats.load.shed[0][ipc.ClassNormal]); got != 2 {
		t.Errorf("%d of the normal class counted as shed, want 2", got)
	}
}

func TestLimitFollowsTheDeadlines(t *testing.T) {
	m := newLimiter(100)
	exchange := func(missed, pressed bool, peak int) {
		m.missed, m.pressed, m.peak = missed, pressed, peak
		m.ended(0)
	}
	for range 50 { // every now and then: a hiccup of the machine
		exchange(true, false, 3)
		exchange(false, false, 3)
	}
	if m.limit != 100 {
		t.Errorf("limit = %v after single misses, want 100", m.limit)
	}
	exchange(true, false, 50)
	if exchange(true, false, 50); m.limit != 40 {
		t.Errorf("limit = %v after two misses with 50 that waited, want 40", m.limit)
	}
	for range 100 {
		exchange(true, true, 200)
	}
	if m.limit != leastLimit || m.room(ipc.ClassLow) != leastLimit || m.room(ipc.ClassHigh) != leastLimit*3/2 || m.batch() != leastLimit/4 {
		t.Errorf("limit = %v, want %v and half as many more for the high class", m.limit, leastLimit)
	}
	if exchange(false, true, 4); m.limit != leastLimit+0.25 || m.strain == 0 {
		t.Errorf("limit = %v after an exchange in time with more than the limit, want a quarter more", m.limit)
	}
	for range 100 {
		exchange(false, false, 1)
	}
	if m.limit != 100 || m.strain != 0 {
		t.Errorf("limit = %v after 100 quiet exchanges, want 100 again", m.limit)
	}
}

// Under strain the daemon is not given what nobody waits for.
func TestStrainForgetsWhatNobodyWaitsFor(t *testing.T) {
	for _, strain := range []int{0, 1} {
		r := newRig(t, Config{TTL: time.Minute})
		r.asks(nil, 0, hurry, 1) // out
		for _, c := range []uint64{2, 3} {
			r.asks(nil, 0, hurry, c)
			key := keyOf(workload(c, 0.5))
			r.lanes[0].open.find(&key).waiting[0].deadline.Fire()
		}
		r.lanes[0].limiter.strain = 2 * strain // one is taken off by the exchange that ends
		r.lanes[0].limiter.missed = false
		r.conns[0].end(model(ipc.Workload, "m@1"))
		if asked := r.conns[0].x != nil; asked != (strain == 0) || len(r.lanes[0].queue) != 0 {
			t.Errorf("strain %d: asked %v, %d queued; want asked only without", strain, asked, len(r.lanes[0].queue))
		}
	}
}

// Under strain a question that an exchange would not answer in time gives way; while
// nothing is out the first goes all the same.
func TestHopelessQuestionsGiveWay(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	l := r.lanes[0]
	l.limiter.strain, l.took = strained, time.Hour
	first := r.asks(nil, 0, hurry, 1, 2)
	if r.conns[0].x == nil || first[0].Reply.Source != ipc.SourceNone {
		t.Fatal("with nothing out the first does not go")
	}
	if second := first[1].Reply; second.Source != ipc.SourceRule || second.Reason != ipc.ReasonOverloaded {
		t.Errorf("the second = %+v, want it answered from a lower rung at once", second)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if l.took >= time.Hour {
		t.Error("an exchange taught nothing about how long they take")
	}
	l.took = 0
	if c := r.asks(nil, 0, hurry, 3, 4)[1]; c.Reply.Source != ipc.SourceNone {
		t.Errorf("with fast exchanges %+v, want it to wait", c.Reply)
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
