package registry

import "sync/atomic"

// invalid counts what a model answered that was no answer.
type invalid struct {
	n    atomic.Uint64
	last atomic.Pointer[string]
}

// Invalid gives how many questions the model answered with a number that is none, or that
// is outside its range, and what was wrong with the last; "" where there was none.
func (m *Model) Invalid() (n uint64, last string) {
	n = m.invalid.n.Load()
	if p := m.invalid.last.Load(); p != nil {
		last = *p
	}
	return n, last
}

// NoteInvalid counts n such answers to one call, and tells OnInvalid. why is what was wrong
// with one of them.
func (r *Registry) NoteInvalid(m *Model, n int, why string) {
	m.invalid.last.Store(&why)
	m.invalid.n.Add(uint64(n))
	if r.OnInvalid != nil {
		r.OnInvalid(m, n, why)
	}
}
