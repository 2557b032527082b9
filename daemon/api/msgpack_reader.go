package api

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// maxDepth bounds the nesting of bodies in both formats. The deepest message has
// five levels; the rest is room for what is skipped.
const maxDepth = 32

// mpReader takes the frame of a msgpack body apart: the arrays round the requests
// and predictions, which package ipc reads itself. Its first error sticks, and no
// length is believed before it was compared with the bytes left.
type mpReader struct {
	b   []byte // what is left
	err error
}

func (r *mpReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// take consumes n bytes, or fails and gives nil.
func (r *mpReader) take(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.b)) {
		r.fail("%d bytes announced, %d left", n, len(r.b))
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

// code consumes the leading byte of a value. 0xc1 starts none, so it fails every test.
func (r *mpReader) code() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0xc1
}

// number consumes an unsigned number of 1, 2, 4 or 8 bytes.
func (r *mpReader) number(n int) uint64 {
	p := r.take(uint64(n))
	switch {
	case p == nil:
		return 0
	case n == 1:
		return uint64(p[0])
	case n == 2:
		return uint64(binary.BigEndian.Uint16(p))
	case n == 4:
		return uint64(binary.BigEndian.Uint32(p))
	}
	return binary.BigEndian.Uint64(p)
}

// array reads an array header. At one byte an element, more elements than bytes
// left is a lie.
func (r *mpReader) array(what string) int {
	var n uint64
	switch c := r.code(); {
	case r.err != nil:
		return 0
	case c&0xf0 == 0x90:
		n = uint64(c & 0x0f)
	case c == 0xdc:
		n = r.number(2)
	case c == 0xdd:
		n = r.number(4)
	default:
		r.fail("%s: want an array, got byte 0x%02x", what, c)
		return 0
	}
	if r.err == nil && n > uint64(len(r.b)) {
		r.fail("%s: %d elements announced, %d bytes left", what, n, len(r.b))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// uint reads an unsigned integer of at most max.
func (r *mpReader) uint(what string, max uint64) uint64 {
	var v uint64
	switch c := r.code(); {
	case r.err != nil:
		return 0
	case c < 0x80:
		v = uint64(c)
	case c >= 0xcc && c <= 0xcf:
		v = r.number(1 << (c - 0xcc))
	default:
		r.fail("%s: want an unsigned integer, got byte 0x%02x", what, c)
		return 0
	}
	if r.err == nil && v > max {
		r.fail("%s: %d is over %d", what, v, max)
		return 0
	}
	return v
}

// text reads a string of at most max bytes. The slice aliases the body.
func (r *mpReader) text(what string, max int) []byte {
	var n uint64
	switch c := r.code(); {
	case r.err != nil:
		return nil
	case c&0xe0 == 0xa0:
		n = uint64(c & 0x1f)
	case c >= 0xd9 && c <= 0xdb:
		n = r.number(1 << (c - 0xd9))
	default:
		r.fail("%s: want a string, got byte 0x%02x", what, c)
		return nil
	}
	if r.err == nil && n > uint64(max) {
		r.fail("%s: %d bytes, at most %d", what, n, max)
	}
	return r.take(n)
}

// request reads one request. A value that is whole but not a fit request is passed
// over and its fault returned; r.err is set only when the value has no end.
func (r *mpReader) request(q ipc.Request, names *ipc.Names) (fault error) {
	rest, err := ipc.ParseRequestIn(r.b, q, names)
	return r.resume(rest, err)
}

// prediction is request for predictions.
func (r *mpReader) prediction(k ipc.Kind, p *ipc.Prediction) (fault error) {
	rest, err := ipc.ParsePrediction(r.b, k, p)
	return r.resume(rest, err)
}

// resume moves behind the value that package ipc has just read.
func (r *mpReader) resume(rest []byte, err error) error {
	if r.err != nil {
		return r.err
	}
	if rest == nil && err != nil {
		r.skip(0)
		return err
	}
	r.b = rest
	return err
}

// skip passes over one value of any type.
func (r *mpReader) skip(depth int) {
	if depth > maxDepth {
		r.fail("nested deeper than %d levels", maxDepth)
		return
	}
	c := r.code()
	switch {
	case r.err != nil:
	case c < 0x80, c >= 0xe0, c == 0xc0, c == 0xc2, c == 0xc3: // fixint, nil, bool
	case c < 0x90: // fixmap
		r.skipN(2*uint64(c&0x0f), depth)
	case c < 0xa0: // fixarray
		r.skipN(uint64(c&0x0f), depth)
	case c < 0xc0: // fixstr
		r.take(uint64(c & 0x1f))
	case c >= 0xc4 && c <= 0xc6: // bin
		r.take(r.number(1 << (c - 0xc4)))
	case c >= 0xc7 && c <= 0xc9: // ext: a type byte behind the length
		r.take(1 + r.number(1<<(c-0xc7)))
	case c == 0xca:
		r.take(4)
	case c == 0xcb:
		r.take(8)
	case c >= 0xcc && c <= 0xcf:
		r.take(1 << (c - 0xcc))
	case c >= 0xd0 && c <= 0xd3:
		r.take(1 << (c - 0xd0))
	case c >= 0xd4 && c <= 0xd8: // fixext
		r.take(1 + 1<<(c-0xd4))
	case c >= 0xd9 && c <= 0xdb: // str
		r.take(r.number(1 << (c - 0xd9)))
	case c == 0xdc || c == 0xdd:
		r.skipN(r.number(2<<(c-0xdc)), depth)
	case c == 0xde || c == 0xdf:
		r.skipN(2*r.number(2<<(c-0xde)), depth)
	default:
		r.fail("byte 0x%02x starts no msgpack value", c)
	}
}

func (r *mpReader) skipN(n uint64, depth int) {
	if r.err == nil && n > uint64(len(r.b)) {
		r.fail("%d elements announced, %d bytes left", n, len(r.b))
	}
	for i := uint64(0); i < n && r.err == nil; i++ {
		r.skip(depth + 1)
	}
}

// end checks that nothing follows.
func (r *mpReader) end() error {
	if r.err == nil && len(r.b) != 0 {
		r.fail("%d bytes behind the value", len(r.b))
	}
	return r.err
}

// appendArray writes an array header in its shortest form.
func appendArray(b []byte, n int) []byte {
	if n < 16 {
		return append(b, 0x90|byte(n))
	}
	return append(b, 0xdc, byte(n>>8), byte(n))
}

// appendUint writes an unsigned integer in its shortest form.
func appendUint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<7:
		return append(b, byte(v))
	case v <= math.MaxUint8:
		return append(b, 0xcc, byte(v))
	case v <= math.MaxUint16:
		return append(b, 0xcd, byte(v>>8), byte(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xcf), v)
}

// appendText writes a string, cut to max bytes.
func appendText(b []byte, s string, max int) []byte {
	s = s[:min(len(s), max)]
	switch n := len(s); {
	case n < 32:
		b = append(b, 0xa0|byte(n))
	case n <= math.MaxUint8:
		b = append(b, 0xd9, byte(n))
	default:
		b = append(b, 0xda, byte(n>>8), byte(n))
	}
	return append(b, s...)
}
