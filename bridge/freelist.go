package bridge

// freeList keeps records for reuse; the loop needs no lock for it.
type freeList[T any] struct{ items []*T }

const maxFree = 4096

func (f *freeList[T]) get() *T {
	if n := len(f.items); n > 0 {
		v := f.items[n-1]
		f.items = f.items[:n-1]
		return v
	}
	return new(T)
}

func (f *freeList[T]) put(v *T) {
	if len(f.items) < maxFree {
		f.items = append(f.items, v)
	}
}
