package bridge

import (
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// service is how fast the daemon has answered lately. The slowest quarter of the
// exchanges is left out: a machine that stood still for ten milliseconds says nothing
// about the daemon, and a mean would remember it for dozens of exchanges.
type service struct {
	last  [serviceMemory]exchange
	n     int         // how many there were, in all
	ended ipc.Instant // when the last one was
}

// exchange is one that was answered.
type exchange struct {
	questions int
	took      time.Duration // since it was sent, or the one before it answered, if that was later
	lasted    time.Duration // since it was sent
}

const serviceMemory = 8

// note takes an exchange of so many questions that was sent then and is answered now.
func (s *service) note(questions int, sent, now ipc.Instant) {
	s.last[s.n%serviceMemory] = exchange{questions, now.Sub(max(sent, s.ended)), now.Sub(sent)}
	s.n++
	s.ended = now
}

// each is what one more question takes, as part of batches like the last ones; zero
// while nobody knows.
func (s *service) each() time.Duration {
	last := s.last // a copy: the ring keeps its order
	known := last[:min(s.n, serviceMemory)]
	slices.SortFunc(known, func(a, b exchange) int { // by took for each question
		return int(a.took)*b.questions - int(b.took)*a.questions
	})
	var questions int
	var took time.Duration
	for _, x := range known[:len(known)-len(known)/4] {
		questions += x.questions
		took += x.took
	}
	return took / time.Duration(max(questions, 1))
}

// exchange is about how long an exchange lasts from the time it is sent.
func (s *service) exchange() time.Duration {
	if s.n == 0 {
		return 0
	}
	last := s.last
	known := last[:min(s.n, serviceMemory)]
	slices.SortFunc(known, func(a, b exchange) int { return int(a.lasted - b.lasted) })
	return known[(len(known)-1)/2].lasted
}
