package recordings

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// copies keeps the requests it is asked, less their truth.
type copies struct{ asked []ipc.Request }

func (*copies) Entity(string) {}

func (c *copies) Ask(q *Question) error {
	c.asked = append(c.asked, q.Request.Copy())
	return nil
}

// What is asked about sample i, of the longer past too, is the same whatever sample i and
// those after it are.
func TestQuestionsKnowNothingOfWhatComes(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	drawn := func() sample {
		return sample{cpu: float64(r.IntN(11)) / 10, gpu: r.Float64(), mem: r.Uint64N(1 << 40), part: r.IntN(9) == 0}
	}
	const length = 150
	var samples []sample
	for i := range length {
		v := drawn()
		v.gap = i%50 == 27 // time for a past before and after
		samples = append(samples, v)
	}
	for signal := range 3 {
		asked := func(samples []sample) []ipc.Request {
			read := func(string) ([]*series, error) {
				return []*series{{samples: samples, has: [3]bool{true, true, true}, span: 1 << 40}}, nil
			}
			var c copies
			if err := ReadWorkload(&Set{Signal: signal, read: read}, Options{}, &c); err != nil {
				t.Fatal(err)
			}
			return c.asked
		}
		whole, pasts := asked(samples), 0
		for i := ipc.MaxWorkloadHistory; i < length; i++ {
			n := len(asked(samples[:i+1])) // questions up to that about sample i
			other := slices.Clone(samples)
			for k := i; k < length; k++ {
				gap := other[k].gap
				other[k] = drawn()
				other[k].gap = gap && k == i // whether i is asked about at all
			}
			if got := asked(other)[:n]; !reflect.DeepEqual(got, whole[:n]) {
				t.Fatalf("signal %d, with other samples from %d on: %s", signal, i, cmp.Diff(whole[:n], got))
			}
		}
		for _, q := range whole {
			w := q.(*ipc.WorkloadRequest)
			pasts += len(w.CPUPast) + len(w.MemoryPast) + len(w.GPUPast)
		}
		if pasts == 0 {
			t.Errorf("signal %d: no question tells of a past", signal)
		}
	}
}
