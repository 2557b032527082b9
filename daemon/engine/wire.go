package engine

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// reader walks the fields of one protobuf message without copying. Errors
// stick: after the first one next returns false and err holds it, so message
// parsers are plain switches over field numbers.
//
// Nothing here recurses. ONNX nests through messages that each have their own
// parser, and the only unbounded nesting in the format (subgraphs in
// attributes) is refused.
type reader struct {
	b   []byte
	err error
	q   *quota

	num protowire.Number
	typ protowire.Type
	val uint64 // varint, fixed32 and fixed64
	sub []byte // length-delimited; aliases the file
}

func (r *reader) next() bool {
	if r.err != nil || len(r.b) == 0 {
		return false
	}
	num, typ, n := protowire.ConsumeTag(r.b)
	if n < 0 {
		return r.fail(malformed("field tag: %v", protowire.ParseError(n)))
	}
	r.num, r.typ, r.b = num, typ, r.b[n:]
	switch typ {
	case protowire.VarintType:
		r.val, n = protowire.ConsumeVarint(r.b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(r.b)
		r.val = uint64(v)
	case protowire.Fixed64Type:
		r.val, n = protowire.ConsumeFixed64(r.b)
	case protowire.BytesType:
		r.sub, n = protowire.ConsumeBytes(r.b)
	default:
		// Groups are the one recursive construct of the encoding; ONNX has none.
		return r.fail(malformed("field %d has wire type %d", num, typ))
	}
	if n < 0 {
		return r.fail(malformed("field %d: %v", num, protowire.ParseError(n)))
	}
	r.b = r.b[n:]
	return true
}

func (r *reader) fail(err error) bool {
	if r.err == nil {
		r.err = err
	}
	return false
}

// is records an error unless the current field has wire type typ.
func (r *reader) is(typ protowire.Type) bool {
	if r.typ != typ {
		return r.fail(malformed("field %d has wire type %d, want %d", r.num, r.typ, typ))
	}
	return true
}

func (r *reader) bytes() []byte {
	if !r.is(protowire.BytesType) {
		return nil
	}
	return r.sub
}

func (r *reader) string() string { return string(r.bytes()) }

func (r *reader) int() int64 {
	if !r.is(protowire.VarintType) {
		return 0
	}
	return int64(r.val)
}

func (r *reader) float() float32 {
	if !r.is(protowire.Fixed32Type) {
		return 0
	}
	return math.Float32frombits(uint32(r.val))
}

// ints appends the current field of a repeated integer, packed or not.
func (r *reader) ints(dst []int64) []int64 {
	if r.typ == protowire.VarintType {
		r.charge(1)
		return append(dst, int64(r.val))
	}
	b := r.bytes()
	// Every varint ends in exactly one byte without the continuation bit, so
	// the count is known, charged and allocated before anything is decoded.
	count := 0
	for _, c := range b {
		if c < 0x80 {
			count++
		}
	}
	if !r.charge(count) {
		return dst
	}
	dst = grow(dst, count)
	for len(b) > 0 {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			r.fail(malformed("field %d: %v", r.num, protowire.ParseError(n)))
			return dst
		}
		dst, b = append(dst, int64(v)), b[n:]
	}
	return dst
}

// floats appends the current field of a repeated float, packed or not.
func (r *reader) floats(dst []float32) []float32 {
	if r.typ == protowire.Fixed32Type {
		r.charge(1)
		return append(dst, math.Float32frombits(uint32(r.val)))
	}
	b := r.bytes()
	if len(b)%4 != 0 {
		r.fail(malformed("field %d: %d bytes of packed floats", r.num, len(b)))
		return dst
	}
	if !r.charge(len(b) / 4) {
		return dst
	}
	dst = grow(dst, len(b)/4)
	for ; len(b) > 0; b = b[4:] {
		v, _ := protowire.ConsumeFixed32(b)
		dst = append(dst, math.Float32frombits(v))
	}
	return dst
}

// doubles appends the current field of a repeated double, packed or not.
func (r *reader) doubles(dst []float64) []float64 {
	if r.typ == protowire.Fixed64Type {
		r.charge(1)
		return append(dst, math.Float64frombits(r.val))
	}
	b := r.bytes()
	if len(b)%8 != 0 {
		r.fail(malformed("field %d: %d bytes of packed doubles", r.num, len(b)))
		return dst
	}
	if !r.charge(len(b) / 8) {
		return dst
	}
	dst = grow(dst, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		v, _ := protowire.ConsumeFixed64(b)
		dst = append(dst, math.Float64frombits(v))
	}
	return dst
}

func (r *reader) charge(n int) bool {
	if r.err != nil {
		return false
	}
	if err := r.q.addElements(n); err != nil {
		return r.fail(err)
	}
	return true
}

// grow makes room for n more elements exactly once: append's own doubling
// would hold twice the memory for an array that arrives in one piece.
func grow[T any](dst []T, n int) []T {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	grown := make([]T, len(dst), len(dst)+n+len(dst)/2)
	copy(grown, dst)
	return grown
}
