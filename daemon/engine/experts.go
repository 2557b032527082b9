package engine

import (
	"math"
	"slices"
)

// flow is a list of steps with what leads where.
type flow struct {
	steps    []step
	input    *buffer
	maker    map[*buffer]int // the step that writes it
	reads    map[*buffer]int // how often it is read, as an output of the graph too
	bounds   map[*buffer]float64
	notNeg0  map[*buffer]bool // no value is ever −0
	signless map[*buffer]bool // it makes no difference whether a zero is +0 or −0
}

// withExperts gives the steps with those that make up experts put together. A step comes
// no earlier than it did.
func withExperts(steps []step, input *buffer) []step {
	f := newFlow(steps, input)
	experts := make([]*expert, len(steps)) // by the step of their product
	inside := make([]bool, len(steps))
	for i := range slices.Backward(steps) { // the outermost first: none holds another
		if inside[i] {
			continue
		}
		e, own := f.expertAt(i)
		if e == nil {
			continue
		}
		experts[i] = e
		for _, j := range own {
			inside[j] = true
		}
	}
	var out []step
	for i, s := range steps {
		switch {
		case experts[i] != nil:
			out = append(out, step{kernel: experts[i]})
		case !inside[i]:
			out = append(out, s)
		}
	}
	return out
}

// apart gives the steps with those of experts one by one.
func apart(steps []step) []step {
	var out []step
	for _, s := range steps {
		if e, ok := s.kernel.(*expert); ok {
			out = append(out, e.parts()...)
		} else {
			out = append(out, s)
		}
	}
	return out
}

func newFlow(steps []step, input *buffer) *flow {
	f := &flow{
		steps: steps, input: input,
		maker: map[*buffer]int{}, reads: map[*buffer]int{},
		bounds: map[*buffer]float64{input: farthest}, notNeg0: map[*buffer]bool{}, signless: map[*buffer]bool{},
	}
	for i, s := range steps {
		for _, b := range s.reads {
			f.reads[b]++
		}
		most := bound(s.kernel, f.bounds)
		for _, b := range s.writes {
			f.maker[b], f.bounds[b] = i, most
			f.notNeg0[b] = f.neverNeg0(s.kernel)
			if b.pinned {
				f.reads[b]++
			}
		}
	}
	f.findSignless()
	return f
}

// neverNeg0 says whether it is certain that no value the step writes is −0. A sum is −0 only
// if both its terms are, so that of a forest, which begins at +0, is not; divided by the
// number of trees it can become so.
func (f *flow) neverNeg0(k kernel) bool {
	switch k := k.(type) {
	case *forest:
		return !k.average || !slices.ContainsFunc(k.base, isNeg0)
	case *affine:
		return k.neverNeg0()
	case *pairwise:
		return k.op == addition && (f.notNeg0[k.a.buf] || f.notNeg0[k.b.buf])
	}
	return false
}

// neverNeg0 is so where −0 is neither added, as where nothing is, nor a bound.
func (k *affine) neverNeg0() bool {
	for j := range k.parameters() {
		p, j := &k.panels[j/panelWidth], j%panelWidth
		if isNeg0(p.add[j]) || isNeg0(p.low[j]) || isNeg0(p.high[j]) {
			return false
		}
	}
	return true
}

func isNeg0(v float32) bool { return v == 0 && math.Signbit(float64(v)) }

// findSignless finds what is only added to what is never −0, or to something else and the same
// holds of the sum. From the end on, as a sum may be of as many terms as the file has nodes.
func (f *flow) findSignless() {
	for _, s := range slices.Backward(f.steps) {
		k, ok := s.kernel.(*pairwise)
		if !ok || k.op != addition {
			continue
		}
		lost := f.notNeg0[k.a.buf] || f.notNeg0[k.b.buf] || f.signless[k.y]
		for _, b := range s.reads {
			f.signless[b] = lost && f.reads[b] == 1
		}
	}
}

// expertAt gives the expert whose product is step i, and its steps, if it is one.
func (f *flow) expertAt(i int) (*expert, []int) {
	k, ok := f.steps[i].kernel.(*pairwise)
	if !ok || k.op != multiplication || k.a.buf == nil || k.b.buf == nil || k.a.buf == k.b.buf || !f.signless[k.y] {
		return nil, nil
	}
	e, own := f.expertOf(k, &k.a, &k.b)
	if e == nil {
		return f.expertOf(k, &k.b, &k.a)
	}
	return e, own
}

// expertOf looks whether one factor of a product is worth an expert of its own.
func (f *flow) expertOf(k *pairwise, result, gate *operand) (*expert, []int) {
	if gate.buf.width != 1 || math.IsInf(f.bounds[result.buf], 1) {
		return nil, nil
	}
	own, source := f.leadingTo(result.buf)
	if source == nil || f.work(own) < minWork*f.input.width {
		return nil, nil
	}
	e := &expert{
		source: source, packed: &buffer{width: source.width}, input: f.input,
		product: k, gate: gate, result: result,
	}
	for _, j := range own {
		s := f.steps[j]
		s.reads = slices.Clone(s.reads)
		for r, b := range s.reads {
			if b == source {
				s.reads[r] = e.packed
			}
		}
		e.steps = append(e.steps, s)
	}
	return e, own
}

// leadingTo gives the steps that nothing but b depends on, and the one buffer of others that
// they read; no buffer where there is not one or there are too many steps.
func (f *flow) leadingTo(b *buffer) (own []int, source *buffer) {
	seen := map[*buffer]int{} // how often these steps read it
	mine := func(b *buffer) bool { return b != f.input && seen[b] == f.reads[b] }
	see := func(b *buffer) {
		if seen[b]++; mine(b) {
			own = append(own, f.maker[b])
		}
	}
	see(b)
	for next := 0; next < len(own); next++ {
		if len(own) > maxExpert {
			return nil, nil
		}
		for _, b := range f.steps[own[next]].reads {
			see(b)
		}
	}
	for b := range seen {
		if mine(b) {
			continue
		}
		if source != nil {
			return nil, nil
		}
		source = b
	}
	slices.Sort(own)
	return own, source
}

// work is how many products of numbers the steps take for a row.
func (f *flow) work(own []int) int {
	n := 0
	for _, i := range own {
		if g, ok := f.steps[i].kernel.(*gemm); ok {
			n += g.x.width * g.y.width
		}
	}
	return n
}
