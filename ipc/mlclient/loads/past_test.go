package loads

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// drawn is a series of n values: jumps, plateaus, noise, at times the same again.
func drawn(r *rand.Rand, n int) []float64 {
	x, v := make([]float64, n), r.Float64()
	for i := range x {
		switch r.IntN(8) {
		case 0:
			v = r.Float64()
		case 1, 2:
			v += r.NormFloat64() / 50
		case 3:
			v = x[r.IntN(i+1)]
		}
		x[i] = math.Round(1000*max(0, min(1, v))) / 1000
	}
	return x
}

// The past of every moment is what its definition says, computed anew from all readings.
func TestPastIsWhatItIsDefinedAs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := drawn(r, Memory+spare+30)
	for i, v := range x {
		x[i] = float64(float32(v))
	}
	told := make([][foretellers]float64, len(x)) // what moments foretell of reading i
	for i := window; i < len(x); i++ {
		_, told[i] = moments(x[:i])
	}
	var s Series
	for i, v := range x {
		s.AddShare(float32(v))
		if i < 40 || i%211 == 0 || i > len(x)-3 {
			want := defined(x[:i+1], told)
			if got := s.AppendPast(nil); !cmp.Equal(got, want, cmpopts.EquateApprox(1e-5, 1e-6), cmpopts.EquateEmpty()) {
				t.Fatalf("after %d readings: %s", i+1, cmp.Diff(want, got))
			}
		}
	}
}

// defined computes the past after the readings x from the list in the package's
// documentation, the long way.
func defined(x []float64, told [][foretellers]float64) []float32 {
	n := len(x)
	if n <= window {
		return nil
	}
	average := func(from int, of func(i int) float64) float64 {
		var sum, weights float64
		for i := from; i < n; i++ {
			w := math.Pow(1-1.0/64, float64(n-1-i))
			sum, weights = sum+w*of(i), weights+w
		}
		return sum / weights
	}
	now := x[n-1]
	level := average(0, func(i int) float64 { return x[i] })
	spread := average(0, func(i int) float64 { return (x[i] - level) * (x[i] - level) })
	step := average(window, func(i int) float64 { return math.Abs(x[i] - x[i-1]) })
	ratio := func(forecast func(i int) float64) float64 {
		if step == 0 {
			return 1
		}
		return min(32, average(window, func(i int) float64 { return math.Abs(forecast(i) - x[i]) })/step)
	}
	squares := average(window, func(i int) float64 { return (x[i] - x[i-1]) * (x[i] - x[i-1]) })
	row := 0.0
	if squares > 0 {
		row = average(window, func(i int) float64 { return (x[i] - x[i-1]) * (x[i-1] - x[i-2]) }) / squares
	}
	out := []float64{
		step, level - now, math.Sqrt(spread),
		ratio(func(i int) float64 { return mean(x[i-window : i]) }), ratio(func(i int) float64 { return 2*x[i-1] - x[i-2] }), row,
	}
	all, _ := moments(x)
	out = append(out, all...)
	for k := range foretellers {
		out = append(out, ratio(func(i int) float64 { return x[i-1] + told[i][k] }))
	}
	short := make([]float32, len(out))
	for i, v := range out {
		short[i] = float32(v)
	}
	return short
}

// moments computes numbers 6 to 23 after the readings x, and the four forecasts among them.
func moments(x []float64) (out []float64, told [foretellers]float64) {
	n := len(x)
	now := x[n-1]
	distance := func(length int, shape bool) func(i int) float64 {
		return func(i int) float64 {
			var sum float64
			for k := range length {
				if shape {
					sum += math.Abs((x[i-1-k] - x[i]) - (x[n-2-k] - x[n-1]))
				} else {
					sum += math.Abs(x[i-k] - x[n-1-k])
				}
			}
			return sum / float64(length)
		}
	}
	type moment struct{ distance, value, step float64 }
	like := func(distance func(i int) float64) (all []moment) {
		for i := n - 2; i >= max(4, n-1-Memory+4); i-- {
			all = append(all, moment{distance(i), x[i+1] - now, x[i+1] - x[i]})
		}
		slices.SortStableFunc(all, func(a, b moment) int {
			switch {
			case a.distance < b.distance-1e-12:
				return -1
			case a.distance > b.distance+1e-12:
				return 1
			}
			return 0
		})
		return all
	}
	nearest := func(all []moment, k int, steps bool) (middle, off float64) {
		var follow []float64
		for _, m := range all[:min(k, len(all))] {
			if steps {
				follow = append(follow, m.step)
			} else {
				follow = append(follow, m.value)
			}
		}
		slices.Sort(follow)
		middle = (follow[(len(follow)-1)/2] + follow[len(follow)/2]) / 2
		for _, v := range follow {
			off += math.Abs(v-middle) / float64(len(follow))
		}
		return middle, off
	}
	for _, steps := range []bool{false, true} {
		all := like(distance(3, steps))
		first, _ := nearest(all, 1, steps)
		a, b := nearest(all, 4, steps)
		c, d := nearest(all, 12, steps)
		out = append(out, first, a, b, c, d, all[0].distance)
	}
	all := like(distance(1, false))
	a, b := nearest(all, 8, false)
	out = append(out, a, b, all[0].distance)
	all = like(distance(5, false))
	a, b = nearest(all, 4, false)
	out = append(out, a, b, all[0].distance)
	return out, [foretellers]float64{out[1], out[7], out[12], out[15]}
}
