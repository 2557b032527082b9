package engine

import "math"

// Scalar functions in float32, named as in ONNX. They go through float64 where
// the standard library does; the result is then the correctly rounded float32
// in all but a few cases.

// relu through max compiles without a branch; the sign of an activation is as
// good as random, and mispredicting it costs more than the product before it.
// NaN passes through.
func relu(x float32) float32 { return max(x, 0) }

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }

// sigmoid32 is 1/(1+e^-x).
func sigmoid32(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func tanh32(x float32) float32 { return float32(math.Tanh(float64(x))) }

// softplus32 is ln(1+e^x), written so that large x does not overflow.
func softplus32(x float32) float32 {
	v := float64(x)
	if v > 0 {
		return float32(v + math.Log1p(math.Exp(-v)))
	}
	return float32(math.Log1p(math.Exp(v)))
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func log32(x float32) float32 { return float32(math.Log(float64(x))) }

func abs32(x float32) float32 { return float32(math.Abs(float64(x))) }

// softmax turns row into e^x / Σ e^x in place, shifted by the maximum so that
// no exponent overflows.
func softmax(row []float32) {
	top := row[0]
	for _, v := range row[1:] {
		if v > top {
			top = v
		}
	}
	var total float64
	for i, v := range row {
		e := math.Exp(float64(v) - float64(top))
		row[i] = float32(e)
		total += e
	}
	for i, v := range row {
		row[i] = float32(float64(v) / total)
	}
}
