package bridge

import "reflect"

// shelf keeps one item a subject, a bounded number of them, in chunks that are never
// moved. When full it forgets whom nobody asked about lately (the clock algorithm: one
// hand, one bit). The hand gives up after maxTurn items and takes the next, used or
// not: a search through a shelf full of used ones would hold every call up by a
// millisecond.
type shelf[K comparable, P any] struct {
	places index[K]
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
	// nameBytes is what the name of a component may take besides.
	nameBytes = 64
	// maxTurn bounds the work of one put, to about a microsecond.
	maxTurn = 64
)

// init empties the shelf, for at most limit subjects in whole chunks of at most bytes.
func (s *shelf[K, P]) init(limit, bytes int, hash func(K) uint64) {
	chunks := max(bytes/(chunkLen*s.itemBytes()), 1)
	*s = shelf[K, P]{places: newIndex(hash), limit: min(limit, chunks*chunkLen, maxPlaces)}
}

// itemBytes is what one subject costs, its place in the index included; at the worst.
func (s *shelf[K, P]) itemBytes() int {
	n := int(reflect.TypeFor[item[K, P]]().Size()) + slotBytes*pageSlots/leastFill
	if reflect.TypeFor[K]().Kind() == reflect.String {
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
	place := s.place(subject)
	if place < 0 {
		return 0, nil
	}
	return place, &s.at(place).record
}

// place is where the subject's answer lies, -1 when there is none. It is here and not
// the index's because it is on the path of every call: asking the shelf for subjects
// through an interface took a third of the time.
func (s *shelf[K, P]) place(subject K) int {
	hash := s.places.hash(subject)
	slots, i := s.places.probe(hash)
	for want := tag(hash); ; i = (i + 1) % pageSlots {
		v := slots[i]
		if v == 0 {
			return -1
		}
		if v&^maxPlaces != want {
			continue
		}
		if place := int(v&maxPlaces) - 1; s.at(place).subject == subject {
			return place
		}
	}
}

// subject is whose answer lies at place.
func (s *shelf[K, P]) subject(place int) K { return s.at(place).subject }

// claim gives the subject's item, a new one or, when there is no room, somebody
// else's. known tells that it holds the subject's last answer.
func (s *shelf[K, P]) claim(subject K) (e *item[K, P], known bool) {
	place := s.place(subject)
	known = place >= 0
	if !known {
		place = s.room()
		s.places.add(subject, place, s)
	}
	return s.at(place), known
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
			s.places.remove(e.subject, place, s)
			return place
		}
		e.used = false // a second chance; the next turn of the hand takes it
	}
}
