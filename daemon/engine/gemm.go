package engine

// panelWidth is how many outputs one pass over a row computes: a vector register
// of eight numbers where the machine has one.
const panelWidth = 8

// lanes are eight neighbouring columns. An array, not a slice: the compiler then
// knows that all eight exist and the inner loop has one bounds check less.
type lanes [panelWidth]float32

// tileRows is how many rows the vector code takes at a time: four independent
// sums hide the latency of the additions, and a panel's weights are loaded once
// for four rows.
const tileRows = 4

// gemm is y = x·W + b followed by an optional activation. W is stored as
// panels of eight output columns, each panel feature after feature, so that the
// inner loop reads one stream from front to back. The last panel is padded
// with zeros.
//
// Every output is its bias plus the products of the features in their order,
// each product and each sum rounded to float32, whatever the batch and the
// machine: so results depend neither on batching nor on the processor.
type gemm struct {
	x, y   *buffer
	panels []lanes // ceil(width/8) × features
	bias   []lanes // ceil(width/8)
	terms  []term  // all that is needed of most rows (sparse.go), or nil
	relu   bool
}

// newGemm packs w, features × width row-major, scaled by alpha.
func newGemm(x, y *buffer, w []float32, alpha float32) *gemm {
	k, n := x.width, y.width
	blocks := (n + panelWidth - 1) / panelWidth
	g := &gemm{x: x, y: y, panels: make([]lanes, blocks*k), bias: make([]lanes, blocks)}
	for i := range k {
		for j := range n {
			g.panels[j/panelWidth*k+i][j%panelWidth] = alpha * w[i*n+j]
		}
	}
	return g
}

func (g *gemm) run(m *memory, n int) {
	x, y := m.rows(g.x, n), m.rows(g.y, n)
	switch {
	case g.terms != nil:
		g.sparse(x, y)
	case hasVector:
		g.vector(x, y)
	default:
		g.scalar(x, y)
	}
}

// scalar is the product for machines without vector code.
func (g *gemm) scalar(x, y []float32) {
	k, width := g.x.width, g.y.width
	for len(x) >= k && len(y) >= width {
		g.row(x[:k], y[:width])
		x, y = x[k:], y[width:]
	}
}

// row computes one row, half a panel at a time: of four sums the compiler
// spills none. The conversions forbid it to fuse product and sum, which rounds
// once instead of twice and is not what other machines compute.
func (g *gemm) row(x, y []float32) {
	const half = panelWidth / 2
	for i := range g.bias {
		panel := g.panels[i*len(x):][:len(x)]
		for at := 0; at < panelWidth && len(y) > 0; at += half {
			start := (*[half]float32)(g.bias[i][at:])
			a, b, c, d := start[0], start[1], start[2], start[3]
			for i, v := range x {
				w := (*[half]float32)(panel[i][at:])
				a += float32(v * w[0])
				b += float32(v * w[1])
				c += float32(v * w[2])
				d += float32(v * w[3])
			}
			if g.relu {
				a, b, c, d = relu(a), relu(b), relu(c), relu(d)
			}
			y = y[copy(y, []float32{a, b, c, d}):]
		}
	}
}

// addBias adds one number per column, or one for all, to the bias.
func (g *gemm) addBias(beta float32, bias []float32) error {
	for j := range g.y.width {
		sum := &g.bias[j/panelWidth][j%panelWidth]
		*sum += beta * bias[j%len(bias)]
		if *sum-*sum != 0 {
			return malformed("bias %d is %v once scaled", j, *sum)
		}
	}
	return nil
}

// compileMatMul: [N, K] × constant [K, M].
func compileMatMul(a *args) error {
	if err := a.arity(2, 2); err != nil {
		return err
	}
	_, err := compileProduct(a, 1, false)
	return err
}

// compileGemm: alpha·x·W + beta·C, with transB. transA would turn rows into
// columns, which the row form rules out.
func compileGemm(a *args) error {
	if err := a.arity(2, 3); err != nil {
		return err
	}
	alpha, err := a.n.floatAttr("alpha", 1)
	if err != nil {
		return err
	}
	beta, err := a.n.floatAttr("beta", 1)
	if err != nil {
		return err
	}
	transA, err := a.n.intAttr("transA", 0)
	if err != nil {
		return err
	}
	if transA != 0 {
		return unsupported("transA on rows")
	}
	transB, err := a.n.intAttr("transB", 0)
	if err != nil {
		return err
	}
	g, err := compileProduct(a, alpha, transB != 0)
	if err != nil {
		return err
	}
	c, err := a.constant(2)
	if c == nil || err != nil {
		return err
	}
	bias, err := rowVector(c, g.y.width, a.c.q)
	if err != nil {
		return err
	}
	return g.addBias(beta, bias)
}

// compileProduct emits the matrix product of input 0 with constant input 1 as
// output 0.
func compileProduct(a *args, alpha float32, transposed bool) (*gemm, error) {
	x, err := a.matrix(0)
	if err != nil {
		return nil, err
	}
	t, err := a.constant(1)
	if err != nil {
		return nil, err
	}
	if t == nil || len(t.dims) != 2 {
		return nil, unsupported("second factor is not a constant matrix")
	}
	if transposed {
		if t, err = transpose(t, a.c.q); err != nil {
			return nil, err
		}
	}
	if t.dims[0] != x.width() {
		return nil, malformed("%d columns times %d rows of weights", x.width(), t.dims[0])
	}
	w, err := t.weights(a.c.q)
	if err != nil {
		return nil, err
	}
	g, err := emitGemm(a, x, w, t.dims[1], alpha)
	if err != nil {
		return nil, err
	}
	a.define(0, value{buf: g.y, rank: 2})
	return g, nil
}

// emitGemm packs w (x.width × width) into a step without bias.
func emitGemm(a *args, x *value, w []float32, width int, alpha float32) (*gemm, error) {
	y, err := a.buffer(width)
	if err != nil {
		return nil, err
	}
	if err := a.c.q.addWeights((width + panelWidth) * (x.width() + 1)); err != nil {
		return nil, err
	}
	g := newGemm(x.buf, y, w, alpha)
	for i := range g.panels {
		if err := finite("scaled weights", g.panels[i][:]); err != nil {
			return nil, err
		}
	}
	a.emit(g, false, y, x)
	return g, nil
}

// fusable returns the product that v comes straight out of, if nothing else
// reads v: then a following bias or activation can be done in its last pass.
func (a *args) fusable(v *value) *gemm {
	if g, ok := a.producer(v).(*gemm); ok && !g.relu {
		return g
	}
	return nil
}
