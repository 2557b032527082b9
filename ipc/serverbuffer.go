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
