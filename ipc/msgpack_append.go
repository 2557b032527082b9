package ipc

import (
	"encoding/binary"
	"math"
)

// The writing half of the msgpack subset of PROTOCOL.md. Every function appends
// to the caller's slice and picks the shortest form, so one value has one encoding
// and the golden vectors can be compared byte by byte.
//
// Written by hand because it is five times faster than the library's custom
// methods and allocates nothing; the library is the oracle in the tests.

func appendNil(b []byte) []byte { return append(b, 0xc0) }

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
	default:
		return binary.BigEndian.AppendUint64(append(b, 0xcf), v)
	}
}

// appendInt8 writes the one signed field there is, the trend (-2..1).
func appendInt8(b []byte, v int8) []byte {
	if v >= 0 {
		return append(b, byte(v))
	}
	if v >= -32 {
		return append(b, byte(v)) // negative fixint is two's complement already
	}
	return append(b, 0xd0, byte(v))
}

func appendF32(b []byte, v float32) []byte {
	return binary.BigEndian.AppendUint32(append(b, 0xca), math.Float32bits(v))
}

func appendOptF32(b []byte, v Optional[float32]) []byte {
	if !v.Valid {
		return appendNil(b)
	}
	return appendF32(b, v.Value)
}

func appendOptUint(b []byte, v Optional[uint64]) []byte {
	if !v.Valid {
		return appendNil(b)
	}
	return appendUint(b, v.Value)
}

func appendString(b []byte, s string) []byte {
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

func appendArray(b []byte, n int) []byte {
	if n < 16 {
		return append(b, 0x90|byte(n))
	}
	return append(b, 0xdc, byte(n>>8), byte(n))
}

// appendSmall writes an array of small integers. They are not written as msgpack
// bin: an array can be built and read by any encoder without a special type.
func appendSmall(b []byte, vs []uint8) []byte {
	b = appendArray(b, len(vs))
	for _, v := range vs {
		b = appendUint(b, uint64(v))
	}
	return b
}
