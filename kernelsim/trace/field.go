package trace

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// number parses a decimal integer of at most limit. Strict, so that a value has
// one spelling: digits only, no sign, no leading zero, no space.
func number(b []byte, limit uint64) (uint64, error) {
	if len(b) == 0 || len(b) > 1 && b[0] == '0' {
		return 0, fmt.Errorf("%w number %.24q", ErrFormat, b)
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w number %.24q", ErrFormat, b)
		}
		d := uint64(c - '0')
		if n > (math.MaxUint64-d)/10 {
			return 0, fmt.Errorf("%w: %.24q overflows 64 bits", ErrFormat, b)
		}
		n = n*10 + d
	}
	if n > limit {
		return 0, fmt.Errorf("%w: %d is over %d", ErrFormat, n, limit)
	}
	return n, nil
}

// row walks the fields of one line. The first error sticks and later calls
// return zero, so a record's parser reads as the list of its columns.
type row struct {
	rest []byte
	more bool // a field follows, perhaps an empty one
	err  error
}

func newRow(line []byte) row { return row{rest: line, more: true} }

// field returns the next field's bytes, valid until the next line is read.
func (r *row) field() []byte {
	if r.err != nil {
		return nil
	}
	if !r.more {
		r.err = fmt.Errorf("%w: too few fields", ErrFormat)
		return nil
	}
	f, rest, more := bytes.Cut(r.rest, []byte{','})
	r.rest, r.more = rest, more
	return f
}

// uint reads an integer of at most limit.
func (r *row) uint(limit uint64) uint64 {
	f := r.field()
	if r.err != nil {
		return 0
	}
	n, err := number(f, limit)
	r.err = err
	return n
}

// duration reads a count of units as a non-negative duration.
func (r *row) duration(unit time.Duration) time.Duration {
	return time.Duration(r.uint(uint64(math.MaxInt64/unit))) * unit
}

// flag reads 0 or 1.
func (r *row) flag() bool { return r.uint(1) == 1 }

// end returns the first error, or one if fields are left over.
func (r *row) end() error {
	if r.err == nil && r.more {
		r.err = fmt.Errorf("%w: too many fields", ErrFormat)
	}
	return r.err
}
