package features

import "math"

// Comparisons of measurements fall either way as good as at random, and a branch
// that is mispredicted costs more than the arithmetic of a column. Compared as
// integers they need none: the compiler makes conditional moves of the minimum
// and maximum of integers, not of floats.

// sortable maps floats to integers of the same order; -0 comes before 0.
func sortable(v float64) int64 {
	b := int64(math.Float64bits(v))
	return b ^ int64(uint64(b>>63)>>1)
}

// unsortable is the inverse of sortable.
func unsortable(k int64) float64 {
	return math.Float64frombits(uint64(k ^ int64(uint64(k>>63)>>1)))
}

// magnitude orders floats by their absolute value.
func magnitude(v float64) uint64 { return math.Float64bits(v) &^ (1 << 63) }
