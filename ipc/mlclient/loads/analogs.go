package loads

import (
	"math"
	"slices"
)

// Forecasting by analogues: what came after the moments most like this one comes again
// (Lorenz, Atmospheric predictability as revealed by naturally occurring analogues,
// Journal of the Atmospheric Sciences 26, 1969).

const (
	few, many    = 4, 12 // nearest moments that are taken together
	some         = 8
	reach        = 4 // readings before a moment that say what it is like
	analogsWidth = 6 + 6 + 3 + 3
	foretellers  = 4 // medians whose errors are remembered
)

// analogs is what followed the moments most like the last one.
type analogs struct {
	numbers [analogsWidth]float32 // 6 to 23 of a past
	follow  [foretellers]float64  // of these 7, 13, 18 and 21
}

// nearest are the moments most like this one, by one measure.
type nearest struct {
	distance, follow [many]float64 // nearest first
	n, most          int
	bound            float64 // a moment as far off is not among them
	scale            float64 // of distances
}

func newNearest(most, scale int) nearest {
	return nearest{most: most, bound: math.Inf(1), scale: float64(scale)}
}

// take takes a moment in that is nearer than bound. Of equals the one taken first is the
// nearer.
func (k *nearest) take(distance, follow float64) {
	i := min(k.n, k.most-1)
	k.n = i + 1
	for ; i > 0 && k.distance[i-1] > distance; i-- {
		k.distance[i], k.follow[i] = k.distance[i-1], k.follow[i-1]
	}
	k.distance[i], k.follow[i] = distance, follow
	if k.n == k.most {
		k.bound = k.distance[k.n-1]
	}
}

// look finds them among the readings up to now, of which there are at least ten. Distances
// are added up in the order of PROTOCOL.md, section 16, so that all find the same ones.
func (a *analogs) look(x []float64) {
	value, three, five, steps := newNearest(some, 1), newNearest(many, 3), newNearest(few, 5), newNearest(many, 3)
	i := len(x) - 1
	now := *(*[reach + 1]float64)(x[i-reach:])
	for j := i - 1; j >= reach; j-- {
		then := (*[reach + 2]float64)(x[j-reach:])
		d0, d1, d2, d3, d4 := then[4]-now[4], then[3]-now[3], then[2]-now[2], then[1]-now[1], then[0]-now[0]
		far := math.Abs(d0)
		if far < value.bound {
			value.take(far, then[5]-now[4])
		}
		if far = far + math.Abs(d1) + math.Abs(d2); far < three.bound {
			three.take(far, then[5]-now[4])
		}
		if far = far + math.Abs(d3) + math.Abs(d4); far < five.bound {
			five.take(far, then[5]-now[4])
		}
		if far = math.Abs(d1-d0) + math.Abs(d2-d0) + math.Abs(d3-d0); far < steps.bound {
			steps.take(far, then[5]-then[4])
		}
	}
	dst := a.numbers[:0]
	for i, k := range []*nearest{&three, &steps} {
		middle, off := k.median(few)
		middles, offs := k.median(many)
		a.follow[i] = middle
		dst = append(dst, float32(k.follow[0]), float32(middle), float32(off), float32(middles), float32(offs), float32(k.distance[0]/k.scale))
	}
	for i, k := range []*nearest{&value, &five} {
		middle, off := k.median(k.most)
		a.follow[2+i] = middle
		dst = append(dst, float32(middle), float32(off), float32(k.distance[0]/k.scale))
	}
}

// median is that of what followed the nearest n, and their mean distance from it.
func (k *nearest) median(n int) (middle, off float64) {
	n = min(n, k.n)
	middle = median(k.follow[:n])
	for _, v := range k.follow[:n] {
		off += math.Abs(v - middle)
	}
	return middle, off / float64(n)
}

// median is that of at most many values, which stay as they are.
func median(x []float64) float64 {
	var sorted [many]float64
	s := sorted[:copy(sorted[:], x)]
	slices.Sort(s)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
