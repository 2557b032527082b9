package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestAnswerRoundTrip is TestCallRoundTrip for the way back.
func TestAnswerRoundTrip(t *testing.T) {
	for _, f := range formats {
		for _, k := range ipc.Kinds {
			for _, batch := range []bool{false, true} {
				var got Answer
				for _, u := range extremes {
					want := Answer{Model: "m\"@1", Latency: 1_234_567, Slots: []Slot{{Prediction: fullPrediction(k, u, min(u, MaxMs))}}}
					if batch {
						want.Slots = append(want.Slots, Slot{Prediction: barePrediction(k)},
							Slot{Status: ipc.StatusOverloaded, Error: "too\nmuch"})
					}
					body := f.AppendAnswer(nil, &want, batch)
					if err := f.ParseAnswer(body, k, batch, len(want.Slots), &got); err != nil {
						t.Fatalf("%v %v ParseAnswer(%s) = %v", f, k, body, err)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%v %v batch=%v u=%d (-want +got):\n%s", f, k, batch, u, diff)
					}
				}
			}
		}
	}
}
