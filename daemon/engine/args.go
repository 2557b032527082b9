package engine

import "math"

// args is what an operator's compile function sees: the node, its resolved
// inputs and the compiler to emit steps into.
type args struct {
	c     *compiler
	n     *nodeProto
	in    []*value
	opset int64
}

// opName is an operator as the file names it; the default domain is "".
type opName struct{ domain, op string }

// input returns input i, nil when it is omitted.
func (a *args) input(i int) *value {
	if i >= len(a.in) {
		return nil
	}
	return a.in[i]
}

// arity refuses a wrong number of inputs.
func (a *args) arity(low, high int) error {
	if len(a.in) < low || len(a.in) > high {
		return malformed("%d inputs, want %d to %d", len(a.in), low, high)
	}
	return nil
}

// row returns input i, which must be a row value.
func (a *args) row(i int) (*value, error) {
	v := a.input(i)
	if v == nil {
		return nil, malformed("input %d is missing", i)
	}
	if v.konst != nil {
		return nil, unsupported("input %d is a constant", i)
	}
	return v, nil
}

// matrix returns input i, which must be [N, width].
func (a *args) matrix(i int) (*value, error) {
	v, err := a.row(i)
	if err == nil && v.rank != 2 {
		return nil, unsupported("input %d has rank %d, want 2", i, v.rank)
	}
	return v, err
}

// constant returns input i, which must be a constant, or nil when omitted.
func (a *args) constant(i int) (*tensor, error) {
	v := a.input(i)
	if v == nil {
		return nil, nil
	}
	if v.konst == nil {
		return nil, unsupported("input %d is not a constant", i)
	}
	return v.konst, nil
}

// constantInts returns a constant integer input, nil when omitted.
func (a *args) constantInts(i int) ([]int64, error) {
	t, err := a.constant(i)
	if t == nil || err != nil {
		return nil, err
	}
	if !t.isInt() || len(t.dims) > 1 {
		return nil, malformed("input %d is not an integer list", i)
	}
	return t.ints, nil
}

// wants reports whether anything reads output i.
func (a *args) wants(i int) bool {
	return i < len(a.n.out) && a.n.out[i] != "" && a.c.uses[a.n.out[i]] > 0
}

// buffer makes the buffer of a new row value, within the width limit.
func (a *args) buffer(width int) (*buffer, error) {
	if width < 1 {
		return nil, malformed("a result without columns")
	}
	if width > a.c.q.lim.Width {
		return nil, tooMany("values per row", a.c.q.lim.Width)
	}
	return &buffer{width: width}, nil
}

// define binds output i to v.
func (a *args) define(i int, v value) {
	if i >= len(a.n.out) || a.n.out[i] == "" {
		return
	}
	v.name = a.n.out[i]
	a.c.values[v.name] = &v
}

// alias binds output 0 to the data of x in another form.
func (a *args) alias(x *value, rank int) {
	if x.buf != nil {
		x.buf.aliased = true
	}
	a.define(0, value{konst: x.konst, buf: x.buf, rank: rank, isInt: x.isInt})
}

// emit adds a step that reads the buffers of in and writes out.
func (a *args) emit(k kernel, inPlace bool, out *buffer, in ...*value) {
	s := step{kernel: k, writes: []*buffer{out}, inPlace: inPlace}
	for _, v := range in {
		s.reads = append(s.reads, v.buf)
	}
	a.c.steps = append(a.c.steps, s)
}

// producer is the step that v comes straight out of, if that is the last one so far and
// nothing else reads v: then it can do what follows in the same pass. Else it is nil.
// A value without a name is a part of this operator's result.
func (a *args) producer(v *value) kernel {
	if v == nil || v.buf == nil || v.buf.aliased || v.name != "" && a.c.uses[v.name] != 1 || len(a.c.steps) == 0 {
		return nil
	}
	last := a.c.steps[len(a.c.steps)-1]
	if last.writes[0] != v.buf {
		return nil
	}
	return last.kernel
}

// emitCopy gives a graph output a buffer of its own.
func (c *compiler) emitCopy(v *value) *value {
	out := &buffer{width: v.width()}
	k := &unary{x: v.buf, y: out, apply: copyRow}
	c.steps = append(c.steps, step{kernel: k, reads: []*buffer{v.buf}, writes: []*buffer{out}})
	return &value{name: v.name, buf: out, rank: v.rank, isInt: v.isInt}
}

// positiveAxis maps an axis of a rank-2 value to 0 or 1.
func positiveAxis(axis int64, rank int) (int, error) {
	if axis < 0 {
		axis += int64(rank)
	}
	if axis < 0 || axis >= int64(rank) {
		return 0, malformed("axis out of range for rank %d", rank)
	}
	return int(axis), nil
}

// lastAxis refuses everything but the column axis of [N, width].
func lastAxis(axis int64) error {
	if axis != 1 && axis != -1 {
		return unsupported("axis %d, only 1 (columns) is", axis)
	}
	return nil
}

// label checks that an integer survives as float32, the type of every output.
func label(v int64) (float32, error) {
	if v > 1<<24 || v < -1<<24 {
		return 0, unsupported("integer %d is not exact as float32", v)
	}
	return float32(v), nil
}

var inf32 = float32(math.Inf(1))
