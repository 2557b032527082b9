package api

import (
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
