package ipc

// partial is the start of a frame that has not arrived whole. What is small lies in one
// piece; what is larger in blocks of one size, which are used again: a peer that sends
// the starts of large frames makes neither garbage nor copies of what came before.
type partial struct {
	start  []byte   // the first bytes of it, at most keptBuffer
	blocks [][]byte // those behind, full but for the last
	n      int      // how many are here
	need   int      // how many it takes; 0 while even that is not known
}

const (
	blockSize   = 16 << 10
	spareBlocks = 256 // kept for the next large frame
)

// add stores bytes of the frame. Room grows with what has come and not with what was
// announced: four bytes must not be able to reserve a megabyte.
func (p *partial) add(s *Server, b []byte) {
	p.n += len(b)
	if len(p.blocks) == 0 {
		n := min(keptBuffer-len(p.start), len(b))
		if have := len(p.start) + n; have > cap(p.start) {
			grown := make([]byte, len(p.start), min(keptBuffer, max(have, min(p.need, 2*have+512))))
			copy(grown, p.start)
			p.start = grown
		}
		p.start, b = append(p.start, b[:n]...), b[n:]
	}
	for len(b) > 0 {
		last := len(p.blocks) - 1
		if last < 0 || len(p.blocks[last]) == blockSize {
			p.blocks = append(p.blocks, s.takeBlock())
			last++
		}
		block := p.blocks[last]
		n := min(blockSize-len(block), len(b))
		p.blocks[last], b = append(block, b[:n]...), b[n:]
	}
}

// appendTo gives all of it in one piece, behind b.
func (p *partial) appendTo(b []byte) []byte {
	b = append(b, p.start...)
	for _, block := range p.blocks {
		b = append(b, block...)
	}
	return b
}

// held is how many bytes it takes up.
func (p *partial) held() int { return cap(p.start) + len(p.blocks)*blockSize }

// clear forgets the frame and keeps no more storage than is good for small ones.
func (p *partial) clear(s *Server) {
	for _, block := range p.blocks {
		s.giveBlock(block)
	}
	*p = partial{start: p.start[:0]}
}

// complete adds what data has of the frame and gives the frame's payload when it is
// whole, until the next call, and what follows it in data.
func (p *partial) complete(s *Server, data []byte) (payload, rest []byte, err error) {
	if p.need == 0 {
		n := min(frameHeader-p.n, len(data))
		p.add(s, data[:n])
		data = data[n:]
		if _, _, p.need, err = nextFrame(p.start, s.cfg.Limits.Frame); err != nil || p.need == 0 {
			return nil, data, err
		}
	}
	n := min(p.need-p.n, len(data))
	switch {
	case p.n+n < p.need:
		p.add(s, data)
		return nil, nil, nil
	case p.need <= keptBuffer:
		p.add(s, data[:n])
		return p.start[frameHeader:], data[n:], nil
	}
	s.whole = append(p.appendTo(s.whole[:0]), data[:n]...)
	return s.whole[frameHeader:], data[n:], nil
}

// takeBlock gives an empty block.
func (s *Server) takeBlock() []byte {
	n := len(s.spareBlocks)
	if n == 0 {
		return make([]byte, 0, blockSize)
	}
	b := s.spareBlocks[n-1]
	s.spareBlocks[n-1] = nil
	s.spareBlocks = s.spareBlocks[:n-1]
	return b
}

func (s *Server) giveBlock(b []byte) {
	if len(s.spareBlocks) < spareBlocks {
		s.spareBlocks = append(s.spareBlocks, b[:0])
	}
}
