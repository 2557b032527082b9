package engine

// buffer is the storage of one row value: width numbers per row, rows one
// after the other. The planner gives it a slot of the session's memory.
type buffer struct {
	width   int
	slot    int
	last    int  // index of the last step that reads it
	input   bool // the caller's rows, never written
	pinned  bool // a graph output, alive until the next Run
	aliased bool // several values name it, so no step may be fused into it
	gone    bool // its slot was freed or went over to an in-place result
}

// memory is what a session's steps write. Lanes are room that a forest keeps to itself,
// as much as the widest of the model needs; what is in them is of any run before. They
// begin where a cache line does, as memory of that size comes, so that no column
// lies in two.
type memory struct {
	slots [][]float32 // slots[0] is the caller's rows during Run
	lanes []column
}

// rows is the part of a buffer that holds n rows.
func (m *memory) rows(b *buffer, n int) []float32 { return m.slots[b.slot][:n*b.width] }

// row is row i of a buffer.
func (m *memory) row(b *buffer, i int) []float32 {
	return m.slots[b.slot][i*b.width : i*b.width+b.width]
}

// plan assigns slots by a linear scan over the steps, reusing the slot of a
// buffer nobody reads any more, and returns the width of every slot. Slot 0 is
// the input and takes no memory of the session.
func plan(steps []step) []int {
	for i, s := range steps {
		for _, b := range s.reads {
			b.last = i
		}
		for _, b := range s.writes {
			b.last, b.gone = i, false
		}
	}
	p := planner{widths: []int{0}}
	for i, s := range steps {
		for j, b := range s.writes {
			if s.inPlace && j == 0 && p.takeOver(s.reads[0], b, i) {
				continue
			}
			b.slot = p.take(b.width)
		}
		// Freed only after the writes got theirs: a step that is not in-place
		// must not find its output on top of its input.
		for _, b := range s.reads {
			p.release(b, i)
		}
		for _, b := range s.writes {
			p.release(b, i)
		}
	}
	return p.widths
}

type planner struct {
	widths []int // per slot
	free   []int
}

// take returns the smallest free slot that fits, else widens the widest free
// one, else opens a new one.
func (p *planner) take(width int) int {
	best := -1
	for i, slot := range p.free {
		if best < 0 || p.better(slot, p.free[best], width) {
			best = i
		}
	}
	if best < 0 {
		p.widths = append(p.widths, width)
		return len(p.widths) - 1
	}
	slot := p.free[best]
	p.free = append(p.free[:best], p.free[best+1:]...)
	p.widths[slot] = max(p.widths[slot], width)
	return slot
}

func (p *planner) better(slot, than, width int) bool {
	a, b := p.widths[slot], p.widths[than]
	if a >= width && b >= width {
		return a < b
	}
	return a > b
}

// takeOver lets y use x's slot when x is read for the last time by step i.
func (p *planner) takeOver(x, y *buffer, i int) bool {
	if x.input || x.pinned || x.last != i || x.width != y.width || x.gone {
		return false
	}
	y.slot = x.slot
	x.gone = true // y's now: release must not free it
	return true
}

// release frees the slot of a buffer whose last reader is step i.
func (p *planner) release(b *buffer, i int) {
	if b.input || b.pinned || b.last != i || b.gone {
		return // gone also when a step reads it twice
	}
	b.gone = true
	p.free = append(p.free, b.slot)
}
