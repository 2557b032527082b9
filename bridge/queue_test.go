package bridge

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestDesertedQuestionsAreCounted while callers come, join, give up and are answered, and
// the daemon answers, fails or says nothing.
func TestDesertedQuestionsAreCounted(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	r := newRig(t, Config{QueueLimit: 8, TTL: 1})
	l, most := r.lanes[0], 0
	for step := range 20_000 {
		switch dice.IntN(8) {
		case 0:
			if c := r.conns[0]; c.x != nil {
				c.end(model(ipc.Workload, "m@1"))
			}
		case 1:
			if c := r.conns[0]; c.x != nil && dice.IntN(4) == 0 {
				c.end(broken("read", true))
			}
		case 2, 3:
			if n := len(l.queue); n > 0 {
				if q := l.queue[dice.IntN(n)]; len(q.waiting) > 0 {
					q.waiting[dice.IntN(len(q.waiting))].late()
				}
			}
		case 4:
			call := ipc.NewCall(workload(uint64(dice.IntN(30)), 0.5), &r.done)
			key := keyOf(call.Request)
			l.question(call, &key, r.now()) // behind somebody's back
		default:
			budget := []time.Duration{time.Millisecond, time.Second}[dice.IntN(2)]
			r.asks(new(ipc.Account), ipc.Class(dice.IntN(4)), budget, uint64(dice.IntN(30)))
		}
		deserted := 0
		for _, q := range l.queue {
			if len(q.waiting) == 0 {
				deserted++
			}
		}
		if deserted != l.deserted {
			t.Fatalf("step %d: %d of %d questions are deserted, counted are %d", step, deserted, len(l.queue), l.deserted)
		}
		most = max(most, deserted)
	}
	if most < 2 {
		t.Errorf("at most %d questions were deserted", most)
	}
}

// BenchmarkFullQueue is a round of questions for which there is no room.
func BenchmarkFullQueue(b *testing.B) {
	r := newRig(b, Config{})
	round := func(first uint64) []*ipc.Call {
		calls := make([]*ipc.Call, 64)
		for i := range calls {
			calls[i] = ipc.NewCall(workload(first+uint64(i), 0.5), &r.done)
			calls[i].Arrived = r.now()
			calls[i].Deadline = calls[i].Arrived.Add(time.Minute)
		}
		return calls
	}
	for i := range uint64(32) {
		r.Round(round(64 * i))
	}
	calls := round(1 << 20)
	for b.Loop() {
		r.Round(calls)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(calls)), "ns/question")
}

// Questions that nobody waits for any more give way to those that somebody does.
func TestFullQueueForgetsWhatNobodyWaitsFor(t *testing.T) {
	r := newRig(t, Config{QueueLimit: 4, TTL: 1})
	r.submit(workload(0, 0.5)) // out: the queue behind it is what fills
	for agent := uint64(1); agent <= 4; agent++ {
		r.submit(workload(agent, 0.5))
	}
	if c := r.submit(workload(5, 0.5))[0]; c.Reply.Reason != ipc.ReasonOverloaded {
		t.Fatalf("a fifth in a queue of four: %+v, want overloaded", c.Reply)
	}
	for _, q := range r.lanes[0].queue[:2] {
		q.waiting[0].late()
	}
	before := r.done.n
	if c := r.submit(workload(6, 0.5))[0]; r.done.n != before || len(r.lanes[0].queue) != 3 {
		t.Errorf("after two callers left: reply %+v, %d queued; want it to wait as the third", c.Reply, len(r.lanes[0].queue))
	}
	for agent := uint64(1); agent <= 2; agent++ {
		if key := keyOf(workload(agent, 0.5)); r.lanes[0].open.find(&key) != nil {
			t.Errorf("the question about agent %d is still there for others to wait for", agent)
		}
	}
}

// Under more load than the daemon can bear it must work for those who still wait.
func TestQuestionsThatSomebodyWaitsForGoFirst(t *testing.T) {
	r := newRig(t, Config{QueueLimit: 3})
	ask := func(agent uint64) *ipc.Call { return r.submit(workload(agent, 0.5))[0] }
	giveUp := func(c *ipc.Call) {
		key := keyOf(c.Request)
		r.lanes[0].open.find(&key).waiting[0].deadline.Fire()
	}
	sent := func() int { return int(r.conns[0].x.Body[0] & 0x0f) } // a msgpack array's length
	answer := func() { r.conns[0].end(model(ipc.Workload, "m@1")) }
	defer func() { // what is older than its answer would live is not asked any more
		r.cfg.TTL = 1
		giveUp(ask(20))
		if answer(); r.conns[0].x != nil {
			t.Errorf("%d questions leave whose time is over", sent())
		}
	}()

	ask(1) // keeps the lane busy
	giveUp(ask(2))
	giveUp(ask(3))
	waits := ask(4)
	if answer(); sent() != 1 {
		t.Fatalf("%d questions leave together, want the one that somebody waits for", sent())
	}
	if answer(); waits.Reply.Source != ipc.SourceModel || sent() != 2 {
		t.Fatalf("reply from %v, then %d questions; want the model's, then the two that fill the cache", waits.Reply.Source, sent())
	}

	giveUp(ask(5))
	giveUp(ask(6))
	giveUp(ask(7)) // the queue is full
	if c := ask(8); c.Reply.Status == ipc.StatusOK && c.Reply.Reason == ipc.ReasonOverloaded {
		t.Error("questions that nobody waits for keep out one that somebody does")
	}
	if answer(); sent() != 1 {
		t.Errorf("%d questions leave, want the latest alone", sent())
	}
}
