package bridge

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

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

// A limited daemon answers a question in 100 µs, its callers have a millisecond.
func TestLimitFollowsTheService(t *testing.T) {
	m := newLimiter(100)
	now := ipc.Instant(time.Second)
	exchange := func(took time.Duration, missed, pressed bool, waited int) {
		m.missed, m.pressed, m.peak = missed, pressed, waited
		m.waits(time.Millisecond)
		sent := now
		now = now.Add(took)
		m.ended(1, sent, now, 0)
	}
	const each = 100 * time.Microsecond
	bearable := math.Floor(limitShare * float64(time.Millisecond/each))
	for range 50 { // deadlines pass where little waits: the machine's doing
		exchange(each, true, false, int(bearable))
	}
	if m.limit != 100 {
		t.Errorf("limit = %v with no more than the daemon can bear, want none", m.limit)
	}
	if m.batch() != int(bearable)/3 {
		t.Errorf("batches of %d while deadlines pass, want %v", m.batch(), bearable/3)
	}
	exchange(each, true, false, 50)
	if n := m.room(ipc.ClassLow); n != int(bearable) || m.room(ipc.ClassHigh) != n+n/2 {
		t.Errorf("limit = %v after a deadline passed with 50 that waited, want %v", m.limit, bearable)
	}
	exchange(50*time.Millisecond, true, true, 100)
	exchange(10*time.Millisecond, true, true, 100)
	if m.room(ipc.ClassLow) != int(bearable) {
		t.Errorf("limit = %v after the machine stood still twice, want it as before", m.limit)
	}
	for range serviceMemory {
		exchange(10*time.Millisecond, true, true, 100)
	}
	if m.limit != leastLimit || m.batch() != 1 {
		t.Errorf("limit = %v, batches of %d with a daemon that takes longer than there is time; want the least", m.limit, m.batch())
	}
	for range 2 * serviceMemory {
		exchange(each, false, true, 10)
	}
	if m.room(ipc.ClassLow) != int(bearable) || m.strain == 0 {
		t.Errorf("limit = %v with a daemon that is as before, want %v", m.limit, bearable)
	}
	for range tightened {
		exchange(each, false, false, 1)
	}
	if m.limit != 100 || m.strain != 0 || m.batch() != api.MaxBatch {
		t.Errorf("limit = %v, batches of %d after quiet exchanges; want none", m.limit, m.batch())
	}
}

func TestServiceLeavesTheSlowestOut(t *testing.T) {
	var s service
	if s.each() != 0 || s.exchange() != 0 {
		t.Error("nobody knows how long one takes, and yet it is said")
	}
	at := ipc.Instant(0)
	for range serviceMemory - 2 { // two out at a time: each is sent two exchanges before it is answered
		s.note(4, at.Add(-400), at.Add(400))
		at = at.Add(400)
	}
	s.note(1, at, at.Add(1e9))
	s.note(4, at, at.Add(2e9))
	if each, all := s.each(), s.exchange(); each != 100 || all != 800 {
		t.Errorf("a question takes %v, an exchange %v; want 100ns, 800ns", each, all)
	}
	at = at.Add(2e9)
	for range serviceMemory { // and it knows no more than the last ones, however often it is asked
		s.note(1, at, at.Add(5000))
		at = at.Add(5000)
		s.each()
		s.exchange()
	}
	if each, all := s.each(), s.exchange(); each != 5000 || all != 5000 {
		t.Errorf("then a question takes %v, an exchange %v; want 5µs", each, all)
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

// A daemon that stopped under more load than it could bear is probed all the same.
func TestStrainDoesNotForgetTheProbe(t *testing.T) {
	r := newRig(t, Config{TTL: time.Minute, RetryInterval: 1, MaxRetryInterval: 1})
	r.asks(nil, 0, hurry, 1)
	l := r.lanes[0]
	l.limiter.strain, l.limiter.tight = strained, tightened
	key := keyOf(workload(1, 0.5))
	l.open.find(&key).waiting[0].deadline.Fire() // nobody waits for another try
	r.conns[0].end(broken("timeout", true))
	if !l.down() || r.conns[0].x != nil {
		t.Fatal("the daemon counts as up after a failure, or is asked again at once")
	}
	if c := r.asks(nil, 0, hurry, 2)[0]; c.Reply.Source != ipc.SourceRule || c.Reply.Reason != ipc.ReasonBreakerOpen {
		t.Errorf("%+v, want the rule because the breaker is open", c.Reply)
	}
	if r.conns[0].x == nil {
		t.Fatal("nothing asks whether the daemon is back")
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if l.down() {
		t.Error("the daemon counts as down after an answer")
	}
}

// Under strain a question that an exchange would not answer in time gives way; while
// nothing is out the first goes all the same.
func TestHopelessQuestionsGiveWay(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	l := r.lanes[0]
	l.limiter.tight = tightened
	took := func(d time.Duration) {
		for range serviceMemory {
			l.limiter.service.note(1, 0, ipc.Instant(d))
		}
	}
	took(time.Hour)
	first := r.asks(nil, 0, hurry, 1, 2)
	if r.conns[0].x == nil || first[0].Reply.Source != ipc.SourceNone {
		t.Fatal("with nothing out the first does not go")
	}
	if n := count(t, r.stats.load.shed[0][ipc.ClassNormal]); n != 1 {
		t.Errorf("%d are counted as shed, want 1", n)
	}
	if second := first[1].Reply; second.Source != ipc.SourceRule || second.Reason != ipc.ReasonOverloaded {
		t.Errorf("the second = %+v, want it answered from a lower rung at once", second)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	took(0)
	if c := r.asks(nil, 0, hurry, 3, 4)[1]; c.Reply.Source != ipc.SourceNone {
		t.Errorf("with fast exchanges %+v, want it to wait", c.Reply)
	}
}

// Who counts as patient, and whose deadlines say something about the load, follows the
// default budget when that is changed.
func TestLimiterFollowsATunedBudget(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	const budget = 100 * time.Millisecond
	r.asks(nil, 0, budget, 1)
	if l := r.lanes[0]; l.urgent != 0 || l.limiter.least != 0 {
		t.Fatalf("%d urgent, %v to be waited, with a hundred times the default budget; want none", l.urgent, l.limiter.least)
	}
	r.budget.Store(int64(budget)) // as Tune does, on the loop
	r.asks(nil, 0, budget, 2)
	if l := r.lanes[0]; l.urgent != 1 || l.limiter.least == 0 {
		t.Errorf("%d urgent, %v to be waited, with the default budget; want one that counts", l.urgent, l.limiter.least)
	}
}

// TestExchangesTeachTheLimiter what the daemon can bear: how many waited, who came too late,
// how long it took.
func TestExchangesTeachTheLimiter(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	l := r.lanes[0]
	late := func(c *ipc.Call) {
		key := keyOf(c.Request)
		l.open.find(&key).waiting[0].deadline.Fire()
	}
	late(r.asks(nil, 0, hurry, 1)[0])
	waiting := r.asks(nil, 0, hurry, 2, 3, 4)
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if m := &l.limiter; m.tight != tightened || m.time == 0 || m.service.n != 1 || m.missed || m.least != 0 || m.peak != 3 {
		t.Errorf("after an exchange that was too late: %+v; want that remembered, and three that wait", m)
	}
	if took := l.limiter.service.last[0]; took.questions != 1 || took.lasted <= 0 {
		t.Errorf("the exchange is remembered as %+v", took)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	for _, c := range waiting {
		if c.Reply.Source != ipc.SourceModel {
			t.Errorf("%+v, want the model's answer", c.Reply)
		}
	}
	// Above the limit there is too much, whoever is refused.
	r.asks(nil, 0, hurry, 5)
	l.limiter.limit = 1
	r.asks(nil, 0, hurry, 6)
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if l.limiter.strain != strained || l.limiter.pressed {
		t.Errorf("after one was refused: %+v; want a strain", &l.limiter)
	}
	if shown := l.limiter.shown.Load(); shown != int64(l.limiter.limit) {
		t.Errorf("%d is shown as the limit, want %v", shown, l.limiter.limit)
	}
}
