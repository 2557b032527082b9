package bridge

// What betting keeps, as standingstate.go writes and reads it.

// bounded is a number with what it can be.
type bounded struct {
	v           *float64
	least, most float64
}

// numbers are in the order in which they are saved. Differences are in [-1, 1], so those of
// two of them are at most 2, and half the square of that is what a block can say of each of
// its outcomes.
func (u *bursts) numbers() [6]bounded {
	return [...]bounded{
		{&u.sum, -blockPairs, blockPairs},
		{&u.last, -1, 1},
		{&u.mean, -1, 1},
		{&u.inTheOpen, 0, 4 * blockPairs},
		{&u.variance, 0, 4},
		{&u.ofBlocks, 0, 2 * blockPairs},
	}
}

func (u *bursts) read(r *stateReader) bool {
	n := r.u64()
	u.open = int(r.u8())
	for _, b := range u.numbers() {
		*b.v = r.within(b.least, b.most)
	}
	if r.bad || n > burstBlocks || u.open >= blockPairs {
		return false
	}
	u.n = int(n)
	return true
}

// games are the three, in the order in which they are saved.
func (b *betting) games() [3]*game { return [...]*game{&b.anew, &b.change, &b.doubt} }

// read takes all but doubting, of a model that was judged so often.
func (b *betting) read(r *stateReader, judged uint64) bool {
	b.scale, b.record = r.within(0, 1), r.within(-1, 1)
	cases := r.u64()
	if r.bad || cases > recordCases {
		return false
	}
	b.cases = int(cases)
	for _, g := range b.games() {
		for i := range g.wealth {
			g.wealth[i] = r.within(0, enough)
		}
		n := r.u64()
		g.sum = r.within(-float64(n), float64(n))
		if r.bad || n > judged {
			return false
		}
		g.n = int(n)
	}
	return b.bursts.read(r)
}
