package bridge

// shelf keeps one item a subject, a bounded number of them, in chunks that are never
// moved. When full it forgets whom nobody asked about lately (the clock algorithm: one
// hand, one bit). The hand gives up after maxTurn items and takes the next, used or
// not: a search through a shelf full of used ones would hold every call up by a
// millisecond.
type shelf[K comparable, P any] struct {
	places map[K]uint32
	chunks []*[chunkLen]item[K, P]
	n      int // items there are, in places 0 to n-1
	hand   int
	limit  int
}

type item[K comparable, P any] struct {
	record
	subject K
	answer  P
}

const (
	chunkLen = 256
	// maxTurn bounds the work of one put, to about a microsecond.
	maxTurn = 64
)

func (s *shelf[K, P]) init(limit int) {
	*s = shelf[K, P]{places: make(map[K]uint32), limit: limit}
}

func (s *shelf[K, P]) at(place int) *item[K, P] {
	return &s.chunks[place/chunkLen][place%chunkLen]
}

// find gives the subject's place and record, nil when there is none.
func (s *shelf[K, P]) find(subject K) (int, *record) {
	place, ok := s.places[subject]
	if !ok {
		return 0, nil
	}
	return int(place), &s.at(int(place)).record
}

// put keeps the answer in the place of the subject's last. It counts as asked for
// only if that was.
func (s *shelf[K, P]) put(subject K, r record, answer *P) {
	place, known := s.places[subject]
	if !known {
		place = uint32(s.room())
		s.places[subject] = place
	}
	e := s.at(int(place))
	r.used = known && e.used
	*e = item[K, P]{record: r, subject: subject, answer: *answer}
}

// room gives a place to fill: a new one, or that of a subject nobody asked about.
func (s *shelf[K, P]) room() int {
	if s.n < s.limit {
		if s.n == len(s.chunks)*chunkLen {
			s.chunks = append(s.chunks, new([chunkLen]item[K, P]))
		}
		s.n++
		return s.n - 1
	}
	for turn := 0; ; turn++ {
		place := s.hand
		e := s.at(place)
		s.hand = (s.hand + 1) % s.n
		if !e.used || turn == maxTurn {
			delete(s.places, e.subject)
			return place
		}
		e.used = false // a second chance; the next turn of the hand takes it
	}
}
