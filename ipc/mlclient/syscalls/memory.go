package syscalls

import "math"

// memory counts the groups of an agent's calls. Whenever it holds memoryCalls, all
// counts are halved, rounding down, so that what is long past fades: it looks back over
// one to two thousand calls, and does so exactly, in whole numbers.
type memory struct {
	count [Groups]uint16
	calls uint16 // sum of count
}

const memoryCalls = 2000

func (m *memory) add(g Group) {
	m.count[g]++
	if m.calls++; m.calls < memoryCalls {
		return
	}
	m.calls = 0
	for i := range m.count {
		m.count[i] /= 2
		m.calls += m.count[i]
	}
}

// appendFeatures writes the memory's part of the vector whose layout doc.go gives. There
// is a call in it, for the window has one.
func (m *memory) appendFeatures(dst []float32) []float32 {
	n := float64(m.calls)
	var class [Classes]int
	different, top, entropy := 0, uint16(0), 0.0
	for g, c := range m.count {
		class[Group(g).Class()] += int(c)
		if c > 0 {
			different++
			top = max(top, c)
			p := float64(c) / n
			entropy -= p * math.Log2(p)
		}
	}
	for _, c := range class {
		dst = append(dst, float32(float64(c)/n))
	}
	return append(dst, float32(min(1, n/1000)), float32(different)/float32(Groups), float32(entropy), float32(float64(top)/n))
}

// appendCounts writes the counts themselves.
func (m *memory) appendCounts(dst []uint64) []uint64 {
	for _, c := range m.count {
		dst = append(dst, uint64(c))
	}
	return dst
}
