package bridge

// bursts measures how far outcomes hang together: an agent that misbehaves does so for
// a while, and what is said of it is then right or wrong many times over. Betting on
// each of a burst as if it were news would take one finding for many.
//
// The measure is how much more the means of blocks vary than they would if outcomes had
// nothing to do with each other (the method of batch means; Law and Kelton, Simulation
// Modeling and Analysis). Blocks are compared with the one before only (von Neumann,
// Annals of Mathematical Statistics 12, 1941), and no difference counts for more than
// three deviations, so that a model that turns bad at one moment is not taken for a burst.
type bursts struct {
	n         int     // blocks closed, up to burstBlocks
	sum       float64 // of the open block
	open      int     // outcomes in it
	last      float64 // mean of the block before
	mean      float64 // of all outcomes, slowly forgetting
	variance  float64 // about it, of single outcomes
	ofBlocks  float64 // what the differences of blocks say it is
	inTheOpen float64 // squared deviations in the open block
}

const (
	burstBlocks = 64 // how far the measure looks back
	fewBursts   = 8  // and the least it is made of
	// unknownBurst is what is assumed until then.
	unknownBurst = 4
	// Below littleMore chance alone moves it.
	littleMore = 1.5
)

// add takes an outcome's difference, in [-1, 1].
func (u *bursts) add(x float64) {
	u.sum += x
	u.inTheOpen += (x - u.mean) * (x - u.mean)
	if u.open++; u.open < blockPairs {
		return
	}
	mean := u.sum / blockPairs
	u.n = min(u.n+1, burstBlocks)
	part := 1 / float64(u.n)
	if u.n > 1 {
		// Half the squared difference of two means of blocks is the variance of one.
		d := blockPairs * (mean - u.last) * (mean - u.last) / 2
		if u.n > fewBursts {
			d = min(d, 9*u.ofBlocks)
		}
		u.ofBlocks += (d - u.ofBlocks) / float64(u.n-1)
	}
	u.variance += (u.inTheOpen/blockPairs - u.variance) * part
	u.mean += (mean - u.mean) * part
	u.last, u.sum, u.open, u.inTheOpen = mean, 0, 0, 0
}

// together is how many outcomes say as little as one that stands alone, 1 to blockPairs.
func (u *bursts) together() float64 {
	if u.n < fewBursts {
		return unknownBurst
	}
	if u.ofBlocks <= littleMore*u.variance {
		return 1
	}
	return min(u.ofBlocks/u.variance, blockPairs)
}
