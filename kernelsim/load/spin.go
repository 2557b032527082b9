package load

// spinShare is the part of a processor, one in so many, that a thread may spin away. A
// generator that spins before every start has a processor for itself from 12,500 starts a
// second on (80 µs each), and on a machine of two the answers that it waits for wait for it.
const spinShare = 8

// spinAllowance is what a thread may spin: a token bucket of time, in ns.
type spinAllowance struct {
	most   int64 // at a time; 0 never spins
	credit int64
	last   int64 // when at was asked last
}

// at is how long the thread may spin from now on.
func (s *spinAllowance) at(now int64) int64 {
	s.credit = min(s.credit+(now-s.last)/spinShare, s.most)
	s.last = now
	return s.credit
}

// spent takes off what was spun since the last at.
func (s *spinAllowance) spent(now int64) {
	s.credit = max(s.credit-(now-s.last), 0)
}
