package cachekey

import (
	"math"
	"math/bits"
)

// hash mixes 64-bit words, two by two, by multiplying to 128 bits and folding, the
// step of Wang Yi's wyhash. It need not resist an attacker: a peer can only confuse
// the answers about its own subjects.
//
// Those multiplications wait for each other, and a client's cache hit has 100 ns in
// all. So a list is first summed up, every value times an odd number of its place
// (multilinear hashing: Carter, Wegman, 1979), which the processor does for many
// values at a time, and only the sum is mixed. Two lists that differ in one value
// never have the same sum.
type hash uint64

func (h *hash) add(v, w uint64) {
	hi, lo := bits.Mul64(uint64(*h)^v^0xa0761d6478bd642f, w^0xe7037ed1a0b428db)
	*h = hash(hi ^ lo)
}

// maxList is the longest list of a request, syscall_features.
const maxList = 128

// places are the odd numbers; places[0] is the length's.
var places = func() (k [maxList + 1]uint64) {
	for i := range k { // splitmix64: Steele, Lea, Flood, OOPSLA 2014
		z := uint64(i+1) * 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		k[i] = z ^ z>>31 | 1
	}
	return k
}()

// noUnit is the code of no unit: absent, or outside [0, 1].
const noUnit uint64 = 255

const unitSteps = 128

// unit gives 0 to 128. What is 1/128 or more outside of [0, 1] does not belong here and has a
// code that no unit has, so it cannot be taken for one.
func unit(v float32) uint64 { return uint64(min(uint32(int32(v*unitSteps)), uint32(noUnit))) }

// size keeps five significant bits of a number: the exponent and four bits of the
// mantissa of the f32 nearest to it. It needs 12 bits.
func size(v uint64) uint64 { return uint64(math.Float32bits(float32(v)) >> 19) }

// span keeps two significant bits of a time, so that every power of two of it is two
// steps. With the five of size, a question about a second ago would be another one 60 ms
// later though nothing but the clock has moved.
func span(v uint64) uint64 { return uint64(math.Float32bits(float32(v)) >> 22) }

// reading keeps the sign, the exponent and 7 stored bits of the mantissa, which
// with the implied one make 8 significant bits. Adding 0 makes -0 into 0.
func reading(v float32) uint64 { return uint64(math.Float32bits(v+0) >> 16) }

// page is the number of the 4 KiB page of an address.
func page(address uint64) uint64 { return address >> 12 }

// A request that is longer than legal is never asked, so what is behind maxList
// need not count.

func (h *hash) units(vs []float32) {
	sum := uint64(len(vs)) * places[0]
	for i, v := range vs[:min(len(vs), maxList)] {
		sum += unit(v) * places[i+1]
	}
	h.add(sum, 0)
}

func (h *hash) sizes(vs []uint64) {
	sum := uint64(len(vs)) * places[0]
	for i, v := range vs[:min(len(vs), maxList)] {
		sum += size(v) * places[i+1]
	}
	h.add(sum, 0)
}

func (h *hash) readings(vs []float32) {
	sum := uint64(len(vs)) * places[0]
	for i, v := range vs[:min(len(vs), maxList)] {
		sum += reading(v) * places[i+1]
	}
	h.add(sum, 0)
}

func (h *hash) small(vs []uint8) {
	sum := uint64(len(vs)) * places[0]
	for i, v := range vs[:min(len(vs), maxList)] {
		sum += uint64(v) * places[i+1]
	}
	h.add(sum, 0)
}

func (h *hash) pages(vs []uint64) {
	sum := uint64(len(vs)) * places[0]
	for i, v := range vs[:min(len(vs), maxList)] {
		sum += page(v) * places[i+1]
	}
	h.add(sum, 0)
}
