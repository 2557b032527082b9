package engine

// classes turns the scores of a classifier into its two outputs, the label and
// the transformed scores. ONNX leaves the two-class case with a single score
// open; this follows what ONNX Runtime does, and the oracle vectors pin it.
type classes struct {
	labels    []float32
	transform string
	pair      pairForm
	threshold float32 // a single score above it means the second label
	ambiguous bool    // the label has no agreed meaning
}

// pairForm says how one score s becomes the scores of two classes. Under
// LOGISTIC both tree forms give (t(−s), t(s)).
type pairForm int

const (
	pairNone       pairForm = iota // there is a score per class
	pairComplement                 // (1−t(s), t(s)) for logistic, else (1−s, s): linear models
	pairProbable                   // (1−s, s): trees whose leaves hold probabilities
	pairMirror                     // (−s, s): trees whose leaves hold log odds
)

// newClasses reads the labels, integers or strings, and the transform. String
// labels are represented by their index.
func newClasses(a *args, intsName string) (*classes, error) {
	ints, err := a.n.intsAttr(intsName)
	if err != nil {
		return nil, err
	}
	names, err := a.n.stringsAttr("classlabels_strings")
	if err != nil {
		return nil, err
	}
	if (len(ints) == 0) == (len(names) == 0) {
		return nil, malformed("%d integer and %d string labels", len(ints), len(names))
	}
	for i := range names {
		ints = append(ints, int64(i))
	}
	c := &classes{}
	if len(ints) > a.c.q.lim.Width {
		return nil, tooMany("values per row", a.c.q.lim.Width)
	}
	if c.labels, err = labels(ints, a.c.q); err != nil {
		return nil, err
	}
	if c.transform, err = a.n.stringAttr("post_transform", "NONE"); err != nil {
		return nil, err
	}
	switch c.transform {
	case "NONE", "LOGISTIC", "SOFTMAX":
		return c, nil
	}
	return nil, unsupported("post_transform %s", quote(c.transform))
}

// emit defines output 0 (labels) and output 1 (scores) from raw scores, for
// whichever of them is read.
func (c *classes) emit(a *args, scores *value) error {
	if a.wants(0) && c.ambiguous {
		return unsupported("the label of two classes that are scored apart; use the scores")
	}
	if a.wants(0) {
		y := &buffer{width: 1}
		a.emit(&reduce{x: scores.buf, y: y, f: c.label}, false, y, scores)
		a.define(0, value{buf: y, rank: 1, isInt: true})
	}
	if !a.wants(1) {
		return nil
	}
	y, err := a.buffer(len(c.labels))
	if err != nil {
		return err
	}
	w := scores.width()
	apply := func(y, x []float32) { c.pairRows(y, x) }
	if c.pair == pairNone {
		apply = func(y, x []float32) { c.rows(y, x, w) }
	}
	a.emit(&unary{x: scores.buf, y: y, apply: apply}, w == y.width, y, scores)
	a.define(1, value{buf: y, rank: 2})
	return nil
}

// label is the label of the row's raw scores; the transforms keep their order.
func (c *classes) label(row []float32) float32 {
	if c.pair != pairNone {
		if row[0] > c.threshold {
			return c.labels[1]
		}
		return c.labels[0]
	}
	return c.labels[int(argmaxRow(row))]
}

// rows transforms rows with a score per class.
func (c *classes) rows(y, x []float32, w int) {
	switch c.transform {
	case "LOGISTIC":
		for i := range min(len(x), len(y)) {
			y[i] = sigmoid32(x[i])
		}
	case "SOFTMAX":
		softmaxRows(y, x, w)
	default:
		copy(y, x)
	}
}

// pairRows expands one score per row to two.
func (c *classes) pairRows(y, x []float32) {
	for i, s := range x {
		out := y[2*i : 2*i+2]
		switch {
		case c.transform == "LOGISTIC" && c.pair == pairComplement:
			t := sigmoid32(s)
			out[0], out[1] = 1-t, t
		case c.transform == "LOGISTIC":
			out[0], out[1] = sigmoid32(-s), sigmoid32(s)
		case c.pair == pairMirror:
			out[0], out[1] = -s, s
		default:
			out[0], out[1] = 1-s, s
		}
	}
}
