package features

import "math"

// clip bounds v to ±limit. Trees do not care about far outliers, and bounded
// inputs keep dense layers and float32 honest.
func clip(v, limit float64) float64 { return max(-limit, min(limit, v)) }

// signedLog compresses v to sign(v)·log2(1+|v|): steps of a page and of a
// gigabyte both fit one column.
func signedLog(v float64) float64 {
	if v < 0 {
		return -math.Log2(1 - v)
	}
	return math.Log2(1 + v)
}

// ratio is a/b, and 0 where b is 0: "no evidence" in the columns that use it.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func flag(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// row fills a slice from the front; put order is column order.
type row struct {
	dst []float32
	n   int
}

func (r *row) put(v float64) { r.dst[r.n] = float32(v); r.n++ }

func (r *row) flag(b bool) { r.dst[r.n] = flag(b); r.n++ }
