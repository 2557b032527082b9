package ipc

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// f32s reads an array of at most max numbers into the storage of dst.
func (r *reader) f32s(dst []float32, field string, max int) []float32 {
	n := r.array(field, max)
	dst = r.plainF32s(dst[:0], n)
	for len(dst) < n {
		v := r.f32(field)
		if r.err != nil {
			r.in(field, len(dst), field)
			break
		}
		dst = append(dst, v)
	}
	return dst
}

// in puts into an error that was met in element i of a list which one that was. An element
// is called own in it where it is wrong as a whole.
func (r *reader) in(list string, i int, own string) {
	e, ok := r.err.(*ProtocolError)
	if !ok || e.Kind == FaultTruncated { // the place of bytes that are not there is no field
		return
	}
	if rest, whole := strings.CutPrefix(e.Text, own+": "); whole {
		e.Text = fmt.Sprintf("%s[%d]: %s", list, i, rest)
		return
	}
	e.Text = fmt.Sprintf("%s[%d].%s", list, i, e.Text)
}

// f32Width is how many bytes an f32 takes in the form that writers must use.
const f32Width = 5

// plainF32s reads numbers in the form that writers must use, as far as they are, in
// place: the lists are most of a request. Everything else takes the long way.
func (r *reader) plainF32s(dst []float32, n int) []float32 {
	b := r.b[r.off:]
	if r.err != nil || len(b) < n*f32Width {
		return dst
	}
	dst = slices.Grow(dst, n)[:n]
	for i := range dst {
		v := math.Float32frombits(binary.BigEndian.Uint32(b[1:f32Width]))
		if b[0] != 0xca || !finite(v) {
			dst = dst[:i]
			break
		}
		dst[i], b = v, b[f32Width:]
	}
	r.off += len(dst) * f32Width
	return dst
}

// u64s reads an array of at most max unsigned integers into the storage of dst.
func (r *reader) u64s(dst []uint64, field string, max int) []uint64 {
	n := r.array(field, max)
	dst = r.plainU64s(dst[:0], n)
	for len(dst) < n {
		v := r.u64(field)
		if r.err != nil {
			r.in(field, len(dst), field)
			break
		}
		dst = append(dst, v)
	}
	return dst
}

// plainU64s is what plainF32s is, for integers of any width. Neighbours are mostly of one
// width, and where that is known the next one's place does not wait for this one's code.
// The last integers of a frame take the long way: the loop reads as far as the widest.
func (r *reader) plainU64s(dst []uint64, n int) []uint64 {
	if r.err != nil {
		return dst
	}
	b := r.b[r.off:]
	dst = slices.Grow(dst, n)[:n]
	i := 0
	for i < n && len(b) >= widest {
		code := b[0]
		if code < 0x80 {
			dst[i], b = uint64(code), b[1:]
			i++
			continue
		}
		width := code - 0xcc
		if width > 3 { // also below 0xcc, from where it wraps round
			break
		}
		bytes, shift := 1+1<<width, 64-8<<width
		for i < n && len(b) >= widest && b[0] == code {
			dst[i], b = binary.BigEndian.Uint64(b[1:widest])>>shift, b[bytes:]
			i++
		}
	}
	r.off = len(r.b) - len(b)
	return dst[:i]
}

// small reads an array of at most max integers, each at most hi, into dst.
func (r *reader) small(dst []uint8, field string, max int, hi uint8) []uint8 {
	n := r.array(field, max)
	dst = dst[:0]
	for len(dst) < n {
		v := r.uint(field, uint64(hi))
		if r.err != nil {
			r.in(field, len(dst), field)
			break
		}
		dst = append(dst, uint8(v))
	}
	return dst
}

// The lists are most of a request, so room for all of a list is made first and its
// elements are written in place: half the time of an append for each.

func appendF32s(b []byte, vs []float32) []byte {
	b = slices.Grow(appendArray(b, len(vs)), len(vs)*f32Width)
	for _, v := range vs {
		n := len(b)
		b = b[:n+f32Width]
		b[n] = 0xca
		binary.BigEndian.PutUint32(b[n+1:], math.Float32bits(v))
	}
	return b
}

func appendUints(b []byte, vs []uint64) []byte {
	b = slices.Grow(appendArray(b, len(vs)), len(vs)*widest)
	for _, v := range vs {
		if v <= math.MaxUint32 {
			b = appendUint(b, v)
			continue
		}
		n := len(b)
		b = b[:n+widest]
		b[n] = 0xcf
		binary.BigEndian.PutUint64(b[n+1:], v)
	}
	return b
}
