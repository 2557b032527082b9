package engine

// panelWidth is how many outputs one pass over a row computes. Four
// independent sums hide the latency of the additions and leave enough of the
// sixteen vector registers that the compiler spills nothing.
const panelWidth = 4

// gemm is y = x·W + b followed by an optional activation. W is stored as
// panels of four output columns, each panel feature after feature, so that the
// inner loop reads one stream from front to back. The last panel is padded
// with zeros.
type gemm struct {
	x, y   *buffer
	panels []float32 // ceil(width/4) × features × 4
	bias   []float32 // ceil(width/4) × 4
	relu   bool
}

// newGemm packs w, features × width row-major, scaled by alpha.
func newGemm(x, y *buffer, w []float32, alpha float32) *gemm {
	k, n := x.width, y.width
	blocks := (n + panelWidth - 1) / panelWidth
	g := &gemm{x: x, y: y, panels: make([]float32, blocks*k*panelWidth), bias: make([]float32, blocks*panelWidth)}
	for i := range k {
		for j := range n {
			block, lane := j/panelWidth, j%panelWidth
			g.panels[(block*k+i)*panelWidth+lane] = alpha * w[i*n+j]
		}
	}
	return g
}

func (g *gemm) run(m memory, n int) {
	x, y := m.rows(g.x, n), m.rows(g.y, n)
	k, width := g.x.width, g.y.width
	for len(x) >= k && len(y) >= width {
		g.row(x[:k], y[:width])
		x, y = x[k:], y[width:]
	}
}

// row computes one row, panel by panel. The order of additions is that of the
// features whatever the batch, so results do not depend on batching.
func (g *gemm) row(x, y []float32) {
	panels, bias := g.panels, g.bias
	for len(y) > 0 && len(bias) >= panelWidth {
		a, b, c, d := bias[0], bias[1], bias[2], bias[3]
		w := panels[:len(x)*panelWidth]
		for _, v := range x {
			if len(w) < panelWidth {
				break // never: tells the compiler that w[0..3] exist
			}
			a += v * w[0]
			b += v * w[1]
			c += v * w[2]
			d += v * w[3]
			w = w[panelWidth:]
		}
		if g.relu {
			a, b, c, d = relu(a), relu(b), relu(c), relu(d)
		}
		if len(y) >= panelWidth {
			y[0], y[1], y[2], y[3] = a, b, c, d
			y = y[panelWidth:]
		} else {
			copy(y, []float32{a, b, c, d}) // the ragged last panel
			y = nil
		}
		panels, bias = panels[len(x)*panelWidth:], bias[panelWidth:]
	}
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
	for j := range g.y.width {
		g.bias[j] = beta * bias[j%len(bias)]
	}
	return finite("scaled bias", g.bias)
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
	if err := finite("scaled weights", g.panels); err != nil {
		return nil, err
	}
	a.emit(g, false, y, x)
	return g, nil
}

// fusable returns the product that v comes straight out of, if nothing else
// reads v: then a following bias or activation can be done in its last pass.
func (a *args) fusable(v *value) *gemm {
	if v == nil || v.buf == nil || v.buf.aliased || a.c.uses[v.name] != 1 || len(a.c.steps) == 0 {
		return nil
	}
	g, ok := a.c.steps[len(a.c.steps)-1].kernel.(*gemm)
	if !ok || g.y != v.buf || g.relu {
		return nil
	}
	return g
}
