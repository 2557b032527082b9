package features

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// standardLog2 is math.Log2 with its last product rounded, which the compiler may
// otherwise fuse with the sum.
func standardLog2(x float64) float64 {
	fraction, exponent := math.Frexp(x)
	if fraction == 0.5 {
		return float64(exponent - 1)
	}
	return float64(math.Log(fraction)*(1/math.Ln2)) + float64(exponent)
}

// TestLog2HasTheStandardBits: equal bits on amd64, whose math.Log rounds every
// step; elsewhere math.Log may fuse some, and the last digit may differ.
func TestLog2HasTheStandardBits(t *testing.T) {
	check := func(x float64) {
		t.Helper()
		got, want := log2(x), standardLog2(x)
		if math.Float64bits(got) != math.Float64bits(want) &&
			(runtime.GOARCH == "amd64" || math.Abs(got-want) > 1e-15*max(1, math.Abs(want))) {
			t.Errorf("log2(%v) = %v, want %v", x, got, want)
		}
	}
	for _, x := range []float64{0x1p-1022, 1e-9, 1, 2, 3, 1 << 40, math.MaxUint64, math.MaxFloat64, math.Sqrt2, math.Sqrt2 / 2, math.Ln2} {
		check(x)
		check(math.Nextafter(x, 1))
		check(math.Nextafter(x, 2))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		check(1 + r.Float64()*math.Exp2(float64(r.IntN(140)-60)))
		check(math.Float64frombits(r.Uint64N(0x7fe0<<48) + 1<<52)) // any normal number
	}
}
