package bridge

import "math"

// pairWindow keeps the last differences between a model's error and the rule's on the
// same cases, and says whether one of them is better beyond chance.
//
// Differences that follow each other are not independent (an agent that misbehaves
// does so for a while), and a bound that takes them for it is far too sure. So they
// are summed up in blocks, and the blocks' means are what the bound is made of: the
// method of batch means (Law and Kelton, Simulation Modeling and Analysis).
type pairWindow struct {
	means [windowBlocks]float64 // of the differences of a block; a ring
	n     int                   // blocks ever closed
	sum   float64               // of the block that is open
	open  int                   // differences in it
}

const (
	blockPairs   = 16
	windowBlocks = 32
	// fewBlocks is the least that a bound is made of, and what the quick look back
	// takes: a model that has turned bad shall not live on what it did before.
	fewBlocks = 8

	// Simulated on differences that hang together (a correlation of a half), a model
	// better than the rule by a fifth of a standard deviation is not demoted once in
	// 400,000 outcomes, one by a tenth 8 times, one that is just as good 72 times. With
	// blocks of half the length bad models are found in 64 outcomes instead of 128, and
	// good ones demoted four times as often.
	//
	// sure and verySure are normal quantiles: one-sided 99 % and 99.9 %. The quick
	// look happens as often as the long one and sees less, so it has to be surer.
	sure     = 2.326
	verySure = 3.090
)

// add takes model's error − rule's error and reports whether a block was closed, which
// is when the bounds change.
func (w *pairWindow) add(d float64) (closed bool) {
	w.sum += d
	if w.open++; w.open < blockPairs {
		return false
	}
	w.means[w.n%windowBlocks] = w.sum / blockPairs
	w.n++
	w.sum, w.open = 0, 0
	return true
}

// pairs is how many differences the window looks back over.
func (w *pairWindow) pairs() int { return min(w.n, windowBlocks) * blockPairs }

// worse reports whether the model is worse than the rule: over the whole window, or
// over its last blocks alone. It gives how many blocks say so, 0 where none do.
func (w *pairWindow) worse() (blocks int) {
	if low, _ := w.bounds(windowBlocks, sure); low > 0 {
		return min(w.n, windowBlocks)
	}
	if quick, _ := w.bounds(fewBlocks, verySure); quick > 0 {
		return fewBlocks
	}
	return 0
}

// better reports whether the model is better than the rule over the whole window.
func (w *pairWindow) better() bool {
	_, high := w.bounds(windowBlocks, sure)
	return high < 0
}

// bounds gives the one-sided bounds of the mean difference over the last n blocks:
// infinite with fewer than fewBlocks.
func (w *pairWindow) bounds(n int, z float64) (low, high float64) {
	if n = min(n, w.n, windowBlocks); n < fewBlocks {
		return math.Inf(-1), math.Inf(1)
	}
	var sum, squares float64
	for i := range n {
		sum += w.means[(w.n-1-i)%windowBlocks]
	}
	mean := sum / float64(n)
	for i := range n {
		d := w.means[(w.n-1-i)%windowBlocks] - mean
		squares += d * d
	}
	free := float64(n - 1)
	// Student's quantile to first order (Cornish and Fisher, 1938).
	t := z * (1 + (z*z+1)/(4*free))
	off := t * math.Sqrt(squares/free/float64(n))
	return mean - off, mean + off
}

// mean is the mean difference over the last n blocks; NaN when no block was closed.
func (w *pairWindow) mean(n int) float64 {
	n, sum := min(n, w.n, windowBlocks), 0.0
	for i := range n {
		sum += w.means[(w.n-1-i)%windowBlocks]
	}
	return sum / float64(n)
}
