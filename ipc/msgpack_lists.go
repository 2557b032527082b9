package ipc

import (
	"encoding/binary"
	"math"
	"slices"
)

// f32s reads an array of at most max numbers into the storage of dst.
func (r *reader) f32s(dst []float32, field string, max int) []float32 {
	n := r.array(field, max)
	dst = r.plainF32s(dst[:0], n)
	for len(dst) < n {
		dst = append(dst, r.f32(field))
	}
	return dst
}

// plainF32s reads numbers in the form that writers must use, as far as they are, in
// place: the lists are most of a request. Everything else takes the long way.
func (r *reader) plainF32s(dst []float32, n int) []float32 {
	const width = 5
	b := r.b[r.off:]
	if r.err != nil || len(b) < n*width {
		return dst
	}
	dst = slices.Grow(dst, n)[:n]
	for i := range dst {
		v := math.Float32frombits(binary.BigEndian.Uint32(b[1:width]))
		if b[0] != 0xca || !finite(v) {
			dst = dst[:i]
			break
		}
		dst[i], b = v, b[width:]
	}
	r.off += len(dst) * width
	return dst
}

// u64s reads an array of at most max unsigned integers into the storage of dst.
func (r *reader) u64s(dst []uint64, field string, max int) []uint64 {
	n := r.array(field, max)
	dst = r.plainU64s(dst[:0], n)
	for len(dst) < n {
		dst = append(dst, r.u64(field))
	}
	return dst
}

// plainU64s is what plainF32s is.
func (r *reader) plainU64s(dst []uint64, n int) []uint64 {
	const width = 9
	b := r.b[r.off:]
	if r.err != nil || len(b) < n*width {
		return dst
	}
	dst = slices.Grow(dst, n)[:n]
	for i := range dst {
		if b[0] != 0xcf {
			dst = dst[:i]
			break
		}
		dst[i], b = binary.BigEndian.Uint64(b[1:width]), b[width:]
	}
	r.off += len(dst) * width
	return dst
}

// small reads an array of at most max integers, each at most hi, into dst.
func (r *reader) small(dst []uint8, field string, max int, hi uint8) []uint8 {
	n := r.array(field, max)
	dst = dst[:0]
	for range n {
		dst = append(dst, uint8(r.uint(field, uint64(hi))))
	}
	return dst
}
