package engine

// A model for rows of several kinds may have a net for each, whose result is multiplied by a
// gate: 0 for the rows that the net is not for. "Wherever the gate is 0, we need not compute
// the expert" (Shazeer et al., "Outrageously Large Neural Networks", ICLR 2017): the net is
// left out for those rows, and computed for the others as if they were the batch.
//
// That changes no bit of what comes of it. The net gives 0·v there, and for a v that is
// neither NaN nor infinite that is a zero of some sign. The sign is lost when the zero
// is added to what is never −0, as the sum of a forest (gates.go), so +0 does as well.
// Whether v is finite is settled at load (bounds.go) for rows that hold no NaN, no infinity
// and nothing of absurd size; for a row that does, the net is computed whatever the gate.

// minWork is how many products an expert has at least for each input, whose look at costs
// as much as four of them.
const minWork = panelWidth

// maxExpert is how many steps an expert has at most: bounds the time of looking for them.
const maxExpert = 64

// expert is the steps that lead to one factor of a product and to nothing else, and the
// product itself.
type expert struct {
	steps   []step
	source  *buffer // all that the steps read of others
	packed  *buffer // the rows of source that they are for
	input   *buffer
	product *pairwise
	gate    *operand // one of the product's
	result  *operand // the other
}

func (e *expert) run(m *memory, n int) {
	clear(m.rows(e.product.y, n))
	var rows [orderedRows]uint8
	for at := 0; at < n; at += orderedRows {
		if asked := e.asked(rows[:0], m, at, min(n-at, orderedRows)); len(asked) > 0 {
			e.compute(m, at, asked)
		}
	}
}

// asked appends the numbers, from row at on, of those rows that the result is needed of.
func (e *expert) asked(list []uint8, m *memory, at, rows int) []uint8 {
	for i := range rows {
		if e.gate.row(m, at+i)[0] != 0 || !inRange(m.row(e.input, at+i)) {
			list = append(list, uint8(i))
		}
	}
	return list
}

// compute multiplies the results of these rows, numbered from row at on, by their gates.
func (e *expert) compute(m *memory, at int, rows []uint8) {
	all := m.slots[e.source.slot]
	m.slots[e.source.slot] = e.pack(m, at, rows)
	for _, s := range e.steps {
		s.run(m, len(rows))
	}
	m.slots[e.source.slot] = all
	k := e.product
	for i, r := range rows {
		a, b := e.result.row(m, i), e.gate.row(m, at+int(r))
		if e.gate == &k.a {
			a, b = b, a
		}
		k.op.apply(m.row(k.y, at+int(r)), a, b, k.a.step, k.b.step)
	}
}

// pack lays these rows of the source one after the other, where they are not so already.
func (e *expert) pack(m *memory, at int, rows []uint8) []float32 {
	x, w := m.slots[e.source.slot][at*e.source.width:], e.source.width
	first, last := int(rows[0]), int(rows[len(rows)-1])
	if last-first == len(rows)-1 {
		return x[first*w : (last+1)*w]
	}
	packed := m.rows(e.packed, len(rows))
	for i, r := range rows {
		copy(packed[i*w:i*w+w], x[int(r)*w:])
	}
	return packed
}

// parts are the steps as the planner has to see them. The product's room is taken before
// the first and the source kept until the last, as they are run again for every so many rows.
func (e *expert) parts() []step {
	first := step{reads: []*buffer{e.source, e.gate.buf}, writes: []*buffer{e.packed, e.product.y}}
	last := step{reads: []*buffer{e.source, e.gate.buf, e.result.buf, e.product.y}}
	return append(append([]step{first}, e.steps...), last)
}
