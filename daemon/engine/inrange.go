package engine

// Much can be left out of a model for a row of ordinary numbers that a row with a NaN or an
// infinity needs, as 0·v is zero for numbers only.

// farthest is as far from zero as an ordinary number is: as any count of 64 bits.
const farthest = 1 << 64

// inRange says whether all values of a row are ordinary numbers.
func inRange(row []float32) bool {
	if hasVector && len(row) >= panelWidth {
		return allWithin(&row[0], len(row), farthest)
	}
	return allInRange(row)
}

// allInRange is inRange for short rows and for machines without vector code.
func allInRange(row []float32) bool {
	for _, v := range row {
		if !(abs32(v) <= farthest) { // NaN included
			return false
		}
	}
	return true
}
