package bridge

import "math"

// pairWindow keeps the last differences between a model's error and the rule's on the
// same cases, and bounds their mean: for people to see, and for a demoted model to come
// back by. That a model has become worse is betting's to tell, which is faster.
//
// Differences that follow each other are not independent (an agent that misbehaves
// does so for a while), and a bound that takes them for it is far too sure. So they
// are summed up in blocks, and the blocks' means are what the bound is made of: the
// method of batch means (Law and Kelton, Simulation Modeling and Analysis).
type pairWindow struct {
	means   [windowBlocks]float64 // of the differences of a block; a ring
	n       int                   // blocks ever closed
	sum     float64               // of the block that is open
	open    int                   // differences in it
	doubled uint8                 // so often a block is twice as long, up to maxDoubled
}

const (
	blockPairs   = 16
	windowBlocks = 32
	// fewBlocks is the least that a bound is made of.
	fewBlocks  = 8
	maxDoubled = 3
	// sure is a normal quantile: one-sided 99 %.
	sure = 2.326
)

// block is how many differences one is made of.
func (w *pairWindow) block() int { return blockPairs << w.doubled }

// add takes model's error − rule's error and reports whether a block was closed, which
// is when the bounds change.
func (w *pairWindow) add(d float64) (closed bool) {
	w.sum += d
	if w.open++; w.open < w.block() {
		return false
	}
	w.means[w.n%windowBlocks] = w.sum / float64(w.block())
	w.n++
	w.sum, w.open = 0, 0
	return true
}

// pairs is how many differences the window looks back over.
func (w *pairWindow) pairs() int { return min(w.n, windowBlocks) * w.block() }

// better reports whether the model is better than the rule over the whole window.
func (w *pairWindow) better() bool {
	_, high := w.bounds()
	return high < 0
}

// bounds gives the one-sided bounds of the mean difference over the window: infinite
// with fewer than fewBlocks.
func (w *pairWindow) bounds() (low, high float64) {
	n := min(w.n, windowBlocks)
	if n < fewBlocks {
		return math.Inf(-1), math.Inf(1)
	}
	mean, squares := w.mean(), 0.0
	for _, m := range w.means[:n] {
		squares += (m - mean) * (m - mean)
	}
	free := float64(n - 1)
	// Student's quantile to first order (Cornish and Fisher, 1938).
	t := sure * (1 + (sure*sure+1)/(4*free))
	off := t * math.Sqrt(squares/free/float64(n))
	return mean - off, mean + off
}

// mean is the mean difference over the window; NaN when no block was closed.
func (w *pairWindow) mean() (mean float64) {
	n := min(w.n, windowBlocks)
	for _, m := range w.means[:n] {
		mean += m
	}
	return mean / float64(n)
}
