package features

import (
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestFullMediansAreSortedMedians: the network and the sort agree to the bit,
// over values that repeat and over values that do not.
func TestFullMediansAreSortedMedians(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for round := range 100_000 {
		var x [ipc.MaxWorkloadHistory]float64
		for i := range x {
			if round%2 == 0 {
				x[i] = float64(r.IntN(7) - 3)
			} else {
				x[i] = r.NormFloat64()
			}
		}
		if got, want := fullMedians(&x), sortedMedians(x[:]); got != want {
			t.Fatalf("fullMedians(%v) = %+v, want %+v", x, got, want)
		}
	}
}
