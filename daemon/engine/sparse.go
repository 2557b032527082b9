package engine

// Files pick a column, or add up a few, by a product of all columns with weights that are
// nearly all 0. The terms of those change no bit of a sum that is not −0, which it can only be if it
// begins so, as long as 0·x is a zero: for rows of ordinary numbers they are left out.

// sparseShare is how many features come on each weight that is not 0, at least, in a
// product whose other weights are left out.
const sparseShare = 8

// term is a weight that is not 0, of a feature.
type term struct {
	feature int
	weight  float32
}

// findTerms lets a product of one output leave its weights of 0 out, if it has enough of them.
func (g *gemm) findTerms() {
	if g.y.width != 1 || isNeg0(g.bias[0][0]) {
		return
	}
	terms := []term{} // not nil if there are none
	for i, w := range g.panels {
		if w[0] != 0 {
			terms = append(terms, term{i, w[0]})
		}
		if len(terms)*sparseShare > len(g.panels) {
			return
		}
	}
	g.terms = terms
}

// sparse computes rows by their terms where these are enough.
func (g *gemm) sparse(x, y []float32) {
	k := g.x.width
	for i := range y {
		if row := x[i*k : i*k+k]; inRange(row) {
			y[i] = g.sum(row)
		} else {
			g.row(row, y[i:i+1])
		}
	}
}

// sum is the output of a row of ordinary numbers; the conversion is as in [gemm.row].
func (g *gemm) sum(row []float32) float32 {
	sum := g.bias[0][0]
	for _, t := range g.terms {
		sum += float32(t.weight * row[t.feature])
	}
	if g.relu {
		return relu(sum)
	}
	return sum
}
