package bridge

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// BenchmarkHit is a round of one call that the cache answers, without the socket.
func BenchmarkHit(b *testing.B) {
	for i, q := range oneOfEach() {
		b.Run(q.Kind().String(), func(b *testing.B) {
			r := newRig(b, Config{TTL: time.Hour})
			fill(r.Bridge, oneOfEach()[i])
			c := ipc.NewCall(q, &r.done)
			calls := []*ipc.Call{c}
			b.ReportAllocs()
			for b.Loop() {
				c.Arrived = r.now()
				c.Deadline = c.Arrived.Add(time.Millisecond)
				r.Round(calls)
			}
			if c.Reply.Source != ipc.SourceCache {
				b.Fatalf("the last answer came from %v", c.Reply.Source)
			}
		})
	}
}

// BenchmarkCold is a call whose question goes to a daemon that answers at once and
// whose answer is parsed, kept and delivered, without any socket.
func BenchmarkCold(b *testing.B) {
	r := newRig(b, Config{TTL: 1})
	q := workload(1, 0.5)
	r.submit(q)
	model(ipc.Workload, "m@1")(r.conns[0].x)
	answer := r.conns[0].x.Answer
	r.conns[0].end(says(200, "application/msgpack", string(answer)))
	end := replay(answer)
	c := ipc.NewCall(q, &r.done)
	calls := []*ipc.Call{c}
	b.ReportAllocs()
	for b.Loop() {
		c.Arrived = r.now()
		c.Deadline = c.Arrived.Add(time.Second)
		r.Round(calls)
		r.conns[0].end(end)
	}
	if c.Reply.Source != ipc.SourceModel {
		b.Fatalf("the last answer came from %v", c.Reply.Source)
	}
}

// BenchmarkJudged is a hit and the outcome that is joined to it.
func BenchmarkJudged(b *testing.B) {
	for i, q := range oneOfEach() {
		b.Run(q.Kind().String(), func(b *testing.B) {
			r := newRig(b, Config{TTL: time.Hour})
			fill(r.Bridge, oneOfEach()[i])
			c := ipc.NewCall(q, &r.done)
			calls := []*ipc.Call{c}
			o := []ipc.Outcome{{Subject: q.Subject(), Actual: predictionFor(q)}}
			b.ReportAllocs()
			for b.Loop() {
				c.Arrived = r.now()
				c.Deadline = c.Arrived.Add(time.Millisecond)
				r.Round(calls)
				o[0].PredictionID = c.Reply.PredictionID
				r.Observe(o)
			}
			if s := r.Scores()[i]; s.Missing > 0 || s.Joined == 0 {
				b.Fatalf("%d outcomes were joined, %d missed", s.Joined, s.Missing)
			}
		})
	}
}
