// Package freelist keeps records for reuse by one goroutine, or under one lock: unlike a
// sync.Pool it needs none of its own and does not forget at a garbage collection.
package freelist

// Most is how many records a List keeps; more are left to the garbage collector.
const Most = 4096

// List is a stack of records that nobody uses. The zero value is empty.
type List[T any] struct{ items []*T }

// Len is how many records wait to be used again.
func (l *List[T]) Len() int { return len(l.items) }

// Get gives the record that was put back last, as it was then, or a new one.
func (l *List[T]) Get() *T {
	n := len(l.items)
	if n == 0 {
		return new(T)
	}
	v := l.items[n-1]
	l.items[n-1] = nil
	l.items = l.items[:n-1]
	return v
}

// Put takes a record back. Whoever did must not use it any more.
func (l *List[T]) Put(v *T) {
	if len(l.items) < Most {
		l.items = append(l.items, v)
	}
}
