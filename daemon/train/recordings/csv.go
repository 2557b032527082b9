package recordings

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// eachRow reads a .csv or .csv.gz file with a header line and hands its rows to
// visit. The record is valid during the call only.
func eachRow(path string, visit func(r *record) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("%s: %w", path, ended(err))
		}
	}
	return eachRowOf(in, path, visit)
}

// eachRowOf does the same for rows that are not compressed; errors call them name.
func eachRowOf(in io.Reader, name string, visit func(r *record) error) error {
	c := csv.NewReader(in)
	c.ReuseRecord = true
	header, err := c.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", name, ended(err))
	}
	columns := len(header)
	for {
		fields, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if broken := (*csv.ParseError)(nil); errors.As(err, &broken) {
			if errors.Is(err, csv.ErrFieldCount) {
				return fmt.Errorf("%s:%d: %d columns, the header has %d", name, broken.Line, len(fields), columns)
			}
			return fmt.Errorf("%s:%d: %w", name, broken.Line, broken.Err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, ended(err))
		}
		r := &record{fields: fields}
		if err = visit(r); err == nil {
			err = r.err
		}
		if err != nil {
			line, _ := c.FieldPos(0)
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
}

// ended says in words that a file ends where it must not.
func ended(err error) error {
	switch err {
	case io.EOF:
		return errors.New("the file is empty")
	case io.ErrUnexpectedEOF:
		return errors.New("the file is cut off")
	}
	return err
}

// record is a row. What is wrong with the first field that is missing or no number is kept
// in err, which eachRow returns with the line it stands in.
type record struct {
	fields []string
	err    error
}

// raw is field i, valid during the visit.
func (r *record) raw(i int) string {
	if i < len(r.fields) {
		return r.fields[i]
	}
	r.fail("%d columns, at least %d are wanted", len(r.fields), i+1)
	return ""
}

func (r *record) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *record) text(i int) string { return strings.Clone(r.raw(i)) }

func (r *record) empty(i int) bool { return r.raw(i) == "" }

// num is a finite number. One that is none may be what came and never be asked about: it
// would make every mean none that it goes into, and nobody would know where it is from.
func (r *record) num(i int) float64 {
	text := r.raw(i)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		r.fail("column %d: %.40q is no finite number", i+1, text)
		return 0
	}
	return v
}

// amount is a number that something can be: not negative, and a float64 tells it from the
// next.
func (r *record) amount(i int) uint64 {
	v := r.num(i)
	if !(v >= 0 && v <= 1<<53) {
		r.fail("column %d: %v is no amount", i+1, v)
		return 0
	}
	return uint64(v)
}

func (r *record) int(i int) int {
	text := r.raw(i)
	v, err := strconv.Atoi(text)
	if err != nil {
		r.fail("column %d: %.40q is no whole number", i+1, text)
	}
	return v
}
