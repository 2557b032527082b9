package bridge

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// index finds the place of a subject on its shelf. The subject itself lies there, so
// the index has four bytes a subject: eight bits of its hash and the place. Go's map,
// which holds keys and values, has up to 45 bytes a subject, and BenchmarkIndex finds a
// place a fifth faster here from 64 thousand subjects on, as fast below.
//
// It is extendible hashing (Fagin, Nievergelt, Pippenger, Strong, ACM Transactions on
// Database Systems 4, 1979): the first bits of a hash choose a page by way of a
// directory, and a page that is full becomes two. So growing never holds a call up for
// longer than a page takes, a few microseconds, however many subjects there are.
type index[K comparable] struct {
	directory []*indexPage
	bits      uint // log2 of the directory's length
	n         int
	hash      func(K) uint64
}

// indexPage is a table of its own, by linear probing.
type indexPage struct {
	slots [pageSlots]uint32 // 0 where there is nothing; else tag and place + 1
	used  int
	bits  uint // of the hash that all of its subjects share
}

const (
	pageSlots = 512
	// pageFull is when a page is split: three quarters, behind which probes get long.
	pageFull = pageSlots * 3 / 4
	// leastFill is about what pages hold when all have just been split.
	leastFill = pageFull / 2

	placeBits = 24
	// maxPlaces is how many subjects an index can tell apart.
	maxPlaces = 1<<placeBits - 1
	slotBytes = 4
)

// subjectOf gives the subject at a place.
type subjectOf[K comparable] interface{ subject(place int) K }

func newIndex[K comparable](hash func(K) uint64) index[K] {
	return index[K]{directory: []*indexPage{new(indexPage)}, hash: hash}
}

// slot is what a subject with this hash has at place in its slot.
func slot(hash uint64, place int) uint32 {
	return tag(hash) | uint32(place+1)
}

// tag is taken from bits that choose neither the page nor the slot of it.
func tag(hash uint64) uint32 { return uint32(hash>>9) &^ maxPlaces }

func (x *index[K]) page(hash uint64) *indexPage { return x.directory[hash>>(64-x.bits)] }

// probe gives the slots in which a subject with this hash may be, from the first on.
// What is in them ends with a 0.
func (x *index[K]) probe(hash uint64) (slots *[pageSlots]uint32, first uint64) {
	return &x.page(hash).slots, hash % pageSlots
}

// add gives a place to a subject that has none.
func (x *index[K]) add(k K, place int, in subjectOf[K]) {
	h := x.hash(k)
	p := x.page(h)
	for p.used >= pageFull {
		x.split(h, in)
		p = x.page(h)
	}
	p.add(h, slot(h, place))
	x.n++
}

func (p *indexPage) add(hash uint64, s uint32) {
	i := hash % pageSlots
	for p.slots[i] != 0 {
		i = (i + 1) % pageSlots
	}
	p.slots[i] = s
	p.used++
}

// split makes two pages of the one that hash belongs to.
func (x *index[K]) split(hash uint64, in subjectOf[K]) {
	old := x.page(hash)
	if old.bits == x.bits {
		x.double()
	}
	halves := [2]*indexPage{{bits: old.bits + 1}, {bits: old.bits + 1}}
	for _, s := range old.slots {
		if s != 0 {
			h := x.hash(in.subject(int(s&maxPlaces) - 1))
			halves[h>>(63-old.bits)&1].add(h, s)
		}
	}
	// All entries whose first bits are the old page's: the first half of them has a 0
	// behind those bits, the second a 1.
	span := 1 << (x.bits - old.bits)
	first := int(hash>>(64-x.bits)) &^ (span - 1)
	for i := range span {
		x.directory[first+i] = halves[i/(span/2)]
	}
}

func (x *index[K]) double() {
	next := make([]*indexPage, 2*len(x.directory))
	for i := range next {
		next[i] = x.directory[i/2]
	}
	x.directory, x.bits = next, x.bits+1
}

// remove takes the subject, which is at place, out. What was put further on because of
// it moves up (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
func (x *index[K]) remove(k K, place int, in subjectOf[K]) {
	h := x.hash(k)
	p, gap := x.page(h), h%pageSlots
	for p.slots[gap] != slot(h, place) {
		gap = (gap + 1) % pageSlots
	}
	for i := gap; ; {
		i = (i + 1) % pageSlots
		s := p.slots[i]
		if s == 0 {
			break
		}
		home := x.hash(in.subject(int(s&maxPlaces)-1)) % pageSlots
		if (i-home)%pageSlots >= (i-gap)%pageSlots { // it may stand at the gap
			p.slots[gap], gap = s, i
		}
	}
	p.slots[gap] = 0
	p.used--
	x.n--
}

// numberSeed and nameSeed keep peers from choosing subjects that fall together.
var (
	numberSeed = rand.Uint64()
	nameSeed   = maphash.MakeSeed()
)

func hashNumber(id uint64) uint64 { return scattered(id^numberSeed, 0x9e3779b97f4a7c15) }

// scattered hashes two numbers, of which one is a secret or hides one.
func scattered(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return (hi ^ lo) * 0xd6e8feb86659fd93
}

func hashName(name string) uint64 { return maphash.String(nameSeed, name) }
