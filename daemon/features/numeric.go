package features

import "math"

// clip is v as float32, cut to ±limit, a power of two. Trees do not care about far
// outliers, and bounded inputs keep dense layers and float32 honest. Rounding
// first and cutting then gives what the other order gives, as limit is a float32.
func clip(v float64, limit float32) float32 {
	f := float32(v)
	b := math.Float32bits(f)
	if b&^signBit > math.Float32bits(limit) { // hardly ever
		return math.Float32frombits(b&signBit | math.Float32bits(limit))
	}
	return f
}

const signBit = 1 << 31

// signedLog compresses v to sign(v)·log2(1+|v|): steps of a page and of a
// gigabyte both fit one column.
func signedLog(v float64) float64 {
	size := log2(1 + math.Abs(v))
	return math.Float64frombits(math.Float64bits(size) | bit(v < 0)<<63)
}

// ratio is a/b, and 0 where b is 0: "no evidence" in the columns that use it.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// flag is 1 or 0, converted rather than chosen: most flags are hard to guess.
func flag(b bool) float32 { return float32(int64(bit(b))) }

// row fills a slice from the front; put order is column order.
type row struct {
	dst []float32
	n   int
}

func (r *row) put(v float64) { r.dst[r.n] = float32(v); r.n++ }

func (r *row) flag(b bool) { r.dst[r.n] = flag(b); r.n++ }
