package bridge

import "math"

// What betting keeps, as standingstate.go writes and reads it.

// numbers are in the order in which they are saved, those that cannot be negative last.
func (u *bursts) numbers() [6]*float64 {
	return [...]*float64{&u.sum, &u.last, &u.mean, &u.inTheOpen, &u.variance, &u.ofBlocks}
}

func (u *bursts) read(r *stateReader) bool {
	n := r.u64()
	u.open = int(r.u8())
	for i, v := range u.numbers() {
		if *v = r.f64(); i >= 3 && *v < 0 {
			return false
		}
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
	b.scale, b.record = r.f64(), r.f64()
	cases := r.u64()
	if r.bad || b.scale < 0 || math.Abs(b.record) > 1 || cases > recordCases {
		return false
	}
	b.cases = int(cases)
	for _, g := range b.games() {
		for i := range g.wealth {
			if g.wealth[i] = r.f64(); g.wealth[i] < 0 || g.wealth[i] > enough {
				return false
			}
		}
		n := r.u64()
		if g.sum = r.f64(); r.bad || n > judged {
			return false
		}
		g.n = int(n)
	}
	return b.bursts.read(r)
}
