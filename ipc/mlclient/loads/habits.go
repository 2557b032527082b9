package loads

import "math"

// habits are averages over an agent's longer past.
type habits struct {
	levels fading
	mean   float64
	spread float64 // variance

	errors fading
	error  [3]float64           // mean absolute errors: the last value's, the mean's, the line's
	told   [foretellers]float64 // those of what followed moments like the last one
	steps  float64              // mean product of two steps in a row
	square float64              // mean square of a step
}

const habitsWidth = 6

// fading is the weight of all values in an average so far, in which each weighs 1/64 less
// than the one after it.
type fading float64

const fade = 1.0 / 64

// next is the next value's part of the average; the average before keeps the rest.
func (f *fading) next() float64 {
	*f += fade * (1 - *f)
	return fade / float64(*f)
}

// settle takes a reading into the level.
func (h *habits) settle(v float64) {
	w := h.levels.next()
	off := v - h.mean
	h.mean += w * off
	h.spread = (1 - w) * (h.spread + w*off*off)
}

// learn compares what forecasts made of the last readings with the one that came.
func (h *habits) learn(last []float64, v float64, a *analogs) {
	w := h.errors.next()
	to := func(average *float64, value float64) { *average += w * (value - *average) }
	n := len(last)
	now, before := last[n-1], last[n-2]
	for i, f := range [...]float64{now, mean(last), 2*now - before} {
		to(&h.error[i], math.Abs(f-v))
	}
	for i, f := range a.follow {
		to(&h.told[i], math.Abs(now+f-v))
	}
	step, earlier := v-now, now-before
	to(&h.steps, step*earlier)
	to(&h.square, step*step)
}

// append writes numbers 0 to 5 of a past.
func (h *habits) append(dst []float32, now float64) []float32 {
	dst = append(dst, float32(h.error[0]), float32(h.mean-now), float32(math.Sqrt(h.spread)))
	for _, e := range h.error[1:] {
		dst = h.appendError(dst, e)
	}
	row := 0.0
	if h.square > 0 {
		row = h.steps / h.square
	}
	return append(dst, float32(row))
}

// appendForetold writes numbers 24 to 27.
func (h *habits) appendForetold(dst []float32) []float32 {
	for _, e := range h.told {
		dst = h.appendError(dst, e)
	}
	return dst
}

// appendError writes an error over the last value's.
func (h *habits) appendError(dst []float32, e float64) []float32 {
	if h.error[0] == 0 {
		return append(dst, 1)
	}
	return append(dst, float32(min(e/h.error[0], mostError)))
}

const mostError = 32

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
