package ipc

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

// f32Bits is the algorithm of PROTOCOL.md, section 14, line for line: the bits of
// the f32 nearest to m·2^-k, without floating point.
func f32Bits(m uint64, k int) uint32 {
	if m == 0 {
		return 0
	}
	p := 63 - bits.LeadingZeros64(m)
	e := p - k + 127
	var q uint64
	if p <= 23 {
		q = m << (23 - p)
	} else {
		s := p - 23
		rest, half := m&(1<<s-1), uint64(1)<<(s-1)
		q = m >> s
		if rest > half || rest == half && q&1 == 1 {
			q++
		}
		if q>>24 != 0 {
			q >>= 1
			e++
		}
	}
	return uint32(e)<<23 | uint32(q)&0x7fffff
}

// fixedBack is section 14's way back: k fraction bits, rounded down.
func fixedBack(b uint32, k int) uint64 {
	if b>>23 == 0 {
		return 0
	}
	m := uint64(b&0x7fffff | 0x800000)
	shift := int(b>>23) - 150 + k
	switch {
	case shift >= 0:
		return m << shift
	case shift < -23:
		return 0
	}
	return m >> -shift
}

type fixedPoint struct {
	m uint64
	k int
}

// fixedPointCases are the edges (ties, carries, both ends) and random numbers of
// every width and every number of fraction bits.
func fixedPointCases() []fixedPoint {
	cases := []fixedPoint{
		{0, 0},
		{1, 0},
		{1, 64},
		{math.MaxUint64, 0},
		{math.MaxUint64, 64},
		{307, 10},
		{1024, 10},
		{1<<24 - 1, 24},
		{1 << 24, 24},
		{1<<24 + 1, 24},
		{1<<25 - 1, 25},
		{1<<25 + 1, 25},
		{1<<25 + 3, 25},
		{1<<24 + 1<<0, 0},
		{3<<23 + 1, 8},
		{1<<63 + 1<<39, 63},
		{1<<63 + 3<<39, 63},
		{1<<63 + 1<<39 + 1, 63},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for k := range 65 {
		for width := 1; width <= 64; width++ {
			cases = append(cases, fixedPoint{random.Uint64() >> (64 - width), k})
		}
	}
	return cases
}

// TestFixedPoint compares the algorithm with exact arithmetic rounded once.
func TestFixedPoint(t *testing.T) {
	for _, c := range fixedPointCases() {
		exact := new(big.Float).SetMantExp(new(big.Float).SetUint64(c.m), -c.k)
		want, _ := exact.Float32()
		if got := f32Bits(c.m, c.k); got != math.Float32bits(want) {
			t.Errorf("f32Bits(%d, %d) = %#08x, want %#08x (%v)", c.m, c.k, got, math.Float32bits(want), want)
		}
	}
}

// TestFixedPointBack checks that a share of k ≤ 23 bits survives the way there and back.
func TestFixedPointBack(t *testing.T) {
	for k := range 24 {
		for m := uint64(0); m <= 1<<k; m += 1 + uint64(1<<k)/1000 {
			if got := fixedBack(f32Bits(m, k), k); got != m {
				t.Fatalf("fixedBack(f32Bits(%d, %d)) = %d", m, k, got)
			}
		}
	}
}

// TestFixedPointExample checks the worked example and the comparisons of the text.
func TestFixedPointExample(t *testing.T) {
	if got := f32Bits(307, 10); got != 0x3e998000 || math.Float32frombits(got) != 0.2998046875 {
		t.Errorf("f32Bits(307, 10) = %#x", got)
	}
	if math.Float32bits(0.5) != 0x3f000000 || math.Float32bits(1) != 0x3f800000 {
		t.Error("the constants of section 14 are wrong")
	}
	for _, quoted := range []string{"ca 3e 99 80 00", "0.2998046875", "0x3f000000", "10,059,776 = 0x998000"} {
		if !strings.Contains(specSection(t, 14), quoted) {
			t.Errorf("section 14 does not say %s", quoted)
		}
	}
}
