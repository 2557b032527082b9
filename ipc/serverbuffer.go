package ipc

// What a server keeps for reuse, so that a message costs no allocation and an idle
// connection no memory.

const (
	// keptBuffer is how much a connection may hold on to between frames.
	keptBuffer = 4 << 10

	newOutBuffer  = 4 << 10  // a reply buffer starts with so much
	maxSpareBytes = 64 << 10 // and is kept for the next connection up to so much
	maxSpareOut   = 64       // reply buffers kept: about as many as one round fills
)

// takeBuffer gives an empty buffer for replies.
func (s *Server) takeBuffer() []byte {
	n := len(s.spareOut)
	if n == 0 {
		return make([]byte, 0, newOutBuffer)
	}
	b := s.spareOut[n-1]
	s.spareOut[n-1] = nil
	s.spareOut = s.spareOut[:n-1]
	return b
}

// giveBuffer takes a buffer back whose bytes are written or not wanted any more.
func (s *Server) giveBuffer(b []byte) {
	if cap(b) > 0 && cap(b) <= maxSpareBytes && len(s.spareOut) < maxSpareOut {
		s.spareOut = append(s.spareOut, b[:0])
	}
}

// freeList keeps up to maxFree records for reuse. Unlike a sync.Pool it needs no
// lock on the loop and does not forget at a garbage collection.
type freeList[T any] struct{ items []*T }

const maxFree = 4096

func (f *freeList[T]) get() *T {
	if n := len(f.items); n > 0 {
		v := f.items[n-1]
		f.items[n-1] = nil
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
