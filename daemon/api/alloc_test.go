package api

import (
	"fmt"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestMsgpackAllocations counts: the fast path allocates nothing once its storage
// has its size, in any of its four steps.
func TestMsgpackAllocations(t *testing.T) {
	for _, k := range ipc.Kinds {
		for _, n := range []int{1, 64} {
			batch := n > 1
			reqs := make([]ipc.Request, n)
			a := Answer{Model: "model@1", Latency: 1234}
			a.Resize(n)
			for i := range reqs {
				reqs[i] = fullRequest(k, 1<<53+1)
				a.Slots[i] = Slot{Prediction: fullPrediction(k, 1<<53+1, 1000)}
			}
			call := Msgpack.AppendCall(nil, k, reqs, batch)
			answer := Msgpack.AppendAnswer(nil, &a, batch)
			c := Call{Kind: k, Batch: batch}
			var parsed Answer
			buf := make([]byte, 0, 2*max(len(call), len(answer)))
			steps := map[string]func() error{
				"AppendCall":   func() error { Msgpack.AppendCall(buf, k, reqs, batch); return nil },
				"ParseCall":    func() error { return Msgpack.ParseCall(call, &c) },
				"AppendAnswer": func() error { Msgpack.AppendAnswer(buf, &a, batch); return nil },
				"ParseAnswer":  func() error { return Msgpack.ParseAnswer(answer, k, batch, n, &parsed) },
			}
			for name, step := range steps {
				if got := testing.AllocsPerRun(100, func() {
					if err := step(); err != nil {
						t.Fatal(err)
					}
				}); got != 0 {
					t.Errorf("%s %v of %d: %v allocations, want 0", name, k, n, got)
				}
			}
		}
	}
}

// TestNewComponentsAllocateNothing asks about components that nobody asked about
// before, in each call.
func TestNewComponentsAllocateNothing(t *testing.T) {
	for _, n := range []int{1, 64} {
		var bodies [][]byte
		var last string
		for call := range 102 {
			reqs := make([]ipc.Request, n)
			for i := range reqs {
				q := fullRequest(ipc.Failure, 1).(*ipc.FailureRequest)
				q.Component = fmt.Sprintf("component-%d", call*n+i)
				reqs[i], last = q, q.Component
			}
			bodies = append(bodies, Msgpack.AppendCall(nil, ipc.Failure, reqs, n > 1))
		}
		c, next := Call{Kind: ipc.Failure, Batch: n > 1}, 0
		ask := func() {
			if err := Msgpack.ParseCall(bodies[next], &c); err != nil {
				t.Fatal(err)
			}
			next++
		}
		ask() // the storage gets its size
		if got := testing.AllocsPerRun(len(bodies)-2, ask); got != 0 {
			t.Errorf("%d questions about new components: %v allocations, want 0", n, got)
		}
		if got := c.Requests[n-1].(*ipc.FailureRequest).Component; next != len(bodies) || got != last {
			t.Errorf("call %d is about %q, want %q", next, got, last)
		}
	}
}
