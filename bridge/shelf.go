package bridge

import "reflect"

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
	// A map of Go's is 7/16 full when it has just grown, and a little less where it grew
	// for what was deleted; each place is a key, a number and a byte of the hash.
	mapFill = 3.0 / 8
	// nameBytes is what the name of a component may take besides.
	nameBytes = 64
	// maxTurn bounds the work of one put, to about a microsecond.
	maxTurn = 64
)

// init empties the shelf, for at most limit subjects in whole chunks of at most bytes.
func (s *shelf[K, P]) init(limit, bytes int) {
	chunks := max(bytes/(chunkLen*s.itemBytes()), 1)
	*s = shelf[K, P]{places: make(map[K]uint32), limit: min(limit, chunks*chunkLen)}
}

// itemBytes is what one subject costs, its place in the map included; at the worst.
func (s *shelf[K, P]) itemBytes() int {
	key := reflect.TypeFor[K]()
	n := int(reflect.TypeFor[item[K, P]]().Size()) + int(float64(key.Size()+8+1)/mapFill)
	if key.Kind() == reflect.String {
		n += nameBytes
	}
	return n
}

// bytes is what the shelf takes, at the worst.
func (s *shelf[K, P]) bytes() int { return len(s.chunks) * chunkLen * s.itemBytes() }

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

// claim gives the subject's item, a new one or, when there is no room, somebody
// else's. known tells that it holds the subject's last answer.
func (s *shelf[K, P]) claim(subject K) (e *item[K, P], known bool) {
	place, known := s.places[subject]
	if !known {
		place = uint32(s.room())
		s.places[subject] = place
	}
	return s.at(int(place)), known
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
