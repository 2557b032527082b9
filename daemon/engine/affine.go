package engine

import (
	"math"
	"slices"
)

// affine is y = (x − shift)·scale + add, cut to [low, high], column by column: what
// standardising a row takes, whether a file says so with Scaler and BatchNormalization
// or as Sub, Div and Clip one after the other. Each of these is a stage of one
// pass over the row instead of a pass of its own; a stage that a graph does not have
// holds numbers that change nothing.
//
// The subtraction comes first and every stage rounds by itself, as the operators define
// it. Folding the line into the weights of the product after it would save the pass, but
// lose digits where the mean is large, and the cut would have to move along.
type affine struct {
	x, y   *buffer
	panels []affinePanel // ceil(width/8), or one that serves all columns
	last   stage         // the one that came last; what follows may take a later one
	divide bool          // by scale, as multiplying by its reciprocal rounds twice
}

// affinePanel is eight columns' parameters. affine_amd64.s knows its layout.
type affinePanel struct{ shift, scale, add, low, high lanes }

// stage is a part of an affine step, in the order of their computation.
type stage int

const (
	shifted stage = iota // x − shift
	scaled               // · scale, or / scale
	added                // + add
	raised               // where below low, low
	capped               // where above high, high
)

// idle are the parameters that change nothing, to the bit: adding -0 keeps even the sign
// of a zero.
var idle = [...]float32{shifted: 0, scaled: 1, added: float32(math.Copysign(0, -1)), raised: -inf32, capped: inf32}

func (p *affinePanel) at(s stage) *lanes {
	return [...]*lanes{&p.shift, &p.scale, &p.add, &p.low, &p.high}[s]
}

// set gives a stage its numbers, one for all columns or one for each.
func (k *affine) set(q *quota, s stage, row []float32) error {
	k.last = s
	if len(row) == 1 {
		for i := range k.panels {
			k.panels[i].fill(s, row[0])
		}
		return nil
	}
	blocks := (len(row) + panelWidth - 1) / panelWidth
	if len(k.panels) < blocks {
		if err := q.addWeights(len(idle) * panelWidth * blocks); err != nil {
			return err
		}
		k.panels = slices.Repeat(k.panels, blocks)
	}
	for j, v := range row {
		k.panels[j/panelWidth].at(s)[j%panelWidth] = v
	}
	return nil
}

func (p *affinePanel) fill(s stage, v float32) {
	for j := range p.at(s) {
		p.at(s)[j] = v
	}
}

func (k *affine) run(m *memory, n int) {
	x, y := m.rows(k.x, n), m.rows(k.y, n)
	if hasVector {
		k.vector(x, y)
	} else {
		k.columns(x, y, 0)
	}
}

// columns computes the columns from the panel first on, of every row.
func (k *affine) columns(x, y []float32, first int) {
	w := k.x.width
	for ; len(x) >= w && len(y) >= w; x, y = x[w:], y[w:] {
		for i, at := first, first*panelWidth; at < w; i, at = i+1, at+panelWidth {
			p, xs, ys := &k.panels[min(i, len(k.panels)-1)], x[at:min(at+panelWidth, w)], y[at:]
			for j, v := range xs {
				ys[j] = p.one(v, j, k.divide)
			}
		}
	}
}

// parameters is how many columns have some of their own: all, or those of the panel that
// serves for the others as well.
func (k *affine) parameters() int { return min(k.x.width, len(k.panels)*panelWidth) }

// one is the definition for column j of the panel. A NaN stays one, as all comparisons
// are false; conversions keep the compiler from fusing product and sum.
func (p *affinePanel) one(v float32, j int, divide bool) float32 {
	v -= p.shift[j]
	if divide {
		v /= p.scale[j]
	} else {
		v = float32(v * p.scale[j])
	}
	v += p.add[j]
	if v < p.low[j] {
		v = p.low[j]
	}
	if v > p.high[j] {
		v = p.high[j]
	}
	return v
}

// affineAt returns a step whose result is x so far and that can take stage s: the one that x
// comes straight out of, or a new one, emitted with nothing set.
func affineAt(a *args, x *value, s stage) (*affine, error) {
	if k, ok := a.producer(x).(*affine); ok && k.last < s {
		return k, nil
	}
	if err := a.c.q.addWeights(len(idle) * panelWidth); err != nil {
		return nil, err
	}
	y, err := a.buffer(x.width())
	if err != nil {
		return nil, err
	}
	k := newAffine(x.buf, y)
	a.emit(k, true, y, x)
	return k, nil
}

// newAffine is a step that changes nothing yet.
func newAffine(x, y *buffer) *affine {
	k := &affine{x: x, y: y, panels: make([]affinePanel, 1), last: -1}
	for s, v := range idle {
		k.panels[0].fill(stage(s), v)
	}
	return k
}

// stages are the forms that x ∘ constant has as a stage, the earliest first, so that a
// new step can take what follows.
type stages []struct {
	stage  stage
	negate bool // the constant, that is
	divide bool
}

// emit applies one of the forms to x: in x's own step where that can still take it, else in
// a new one.
func (forms stages) emit(a *args, x *value, row []float32) (*affine, error) {
	form := forms[0]
	if k, ok := a.producer(x).(*affine); ok {
		for _, f := range forms {
			if k.last < f.stage {
				form = f
				break
			}
		}
	}
	k, err := affineAt(a, x, form.stage)
	if err != nil {
		return nil, err
	}
	if form.negate {
		row = slices.Clone(row) // the file's numbers may serve others
		negRow(row, row)
	}
	k.divide = k.divide || form.divide
	return k, k.set(a.c.q, form.stage, row)
}
