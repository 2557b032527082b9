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
