package trace

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"
)

// maxLine bounds a line, line end included. The longest row possible has eight
// fields of at most 20 digits; a preamble line may hold a sentence.
const maxLine = 512

// Reader reads the records of one trace in order. It is not safe for concurrent
// use. After the first error every further call returns the same one.
type Reader[T any] struct {
	meta  Meta
	file  string
	line  int // number of the line last read
	read  int // rows handed out
	last  time.Duration
	err   error
	lines *bufio.Reader
	zip   *gzip.Reader
	under io.Closer // nil when the caller owns the input
	parse func(line []byte) (T, error)
	at    func(T) time.Duration
}

// form is what tells one kind of record from another.
type form[T any] struct {
	set    Set
	header string
	parse  func(line []byte) (T, error)
	at     func(T) time.Duration
}

var (
	faults    = form[Fault]{SetMemory, faultHeader, parseFault, func(f Fault) time.Duration { return f.At }}
	syscalls  = form[Syscall]{SetThreat, syscallHeader, parseSyscall, func(s Syscall) time.Duration { return s.At }}
	usages    = form[Usage]{SetWorkload, usageHeader, parseUsage, func(u Usage) time.Duration { return u.At }}
	pressures = form[Pressure]{SetFailure, pressureHeader, parsePressure, func(p Pressure) time.Duration { return p.At }}
)

// OpenFaults opens a trace of page faults. The caller closes the reader.
func OpenFaults(fsys fs.FS, file string) (*Reader[Fault], error) { return open(fsys, file, faults) }

// OpenSyscalls opens a trace of system calls. The caller closes the reader.
func OpenSyscalls(fsys fs.FS, file string) (*Reader[Syscall], error) {
	return open(fsys, file, syscalls)
}

// OpenUsages opens a trace of program usage. The caller closes the reader.
func OpenUsages(fsys fs.FS, file string) (*Reader[Usage], error) { return open(fsys, file, usages) }

// OpenPressures opens a trace of host pressure. The caller closes the reader.
func OpenPressures(fsys fs.FS, file string) (*Reader[Pressure], error) {
	return open(fsys, file, pressures)
}

// NewFaults reads page faults from gzip data; file is used in errors only.
// Close does not close in.
func NewFaults(in io.Reader, file string) (*Reader[Fault], error) { return read(in, nil, file, faults) }

// NewSyscalls reads system calls from gzip data, as NewFaults does.
func NewSyscalls(in io.Reader, file string) (*Reader[Syscall], error) {
	return read(in, nil, file, syscalls)
}

// NewUsages reads program usage from gzip data, as NewFaults does.
func NewUsages(in io.Reader, file string) (*Reader[Usage], error) { return read(in, nil, file, usages) }

// NewPressures reads host pressure from gzip data, as NewFaults does.
func NewPressures(in io.Reader, file string) (*Reader[Pressure], error) {
	return read(in, nil, file, pressures)
}

// List returns the names of a set's traces in fsys's root, sorted. A trace's
// file is named after its set: "memory-sort.csv.gz".
func List(fsys fs.FS, set Set) ([]string, error) {
	names, err := fs.Glob(fsys, "*.csv.gz")
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, string(set)+"-") })
	slices.Sort(names)
	return names, nil
}

func open[T any](fsys fs.FS, file string, f form[T]) (*Reader[T], error) {
	in, err := fsys.Open(file)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	r, err := read(in, in, file, f)
	if err != nil {
		in.Close() // the error that matters is the one about the content
	}
	return r, err
}

// read starts a reader: the preamble and the header are read and checked here,
// so that whoever holds a Reader knows what it holds.
func read[T any](in io.Reader, under io.Closer, file string, f form[T]) (*Reader[T], error) {
	zip, err := gzip.NewReader(in)
	if err != nil {
		return nil, &Error{File: file, Err: unexpected(err)}
	}
	r := &Reader[T]{
		file: file, zip: zip, under: under, parse: f.parse, at: f.at,
		lines: bufio.NewReaderSize(zip, maxLine),
	}
	if err := r.preamble(f); err != nil {
		return nil, &Error{File: file, Line: r.line, Err: err}
	}
	return r, nil
}

// preamble reads up to and including the header line.
func (r *Reader[T]) preamble(f form[T]) error {
	for {
		line, err := r.next()
		if err != nil {
			return unexpected(err)
		}
		if len(line) > 0 && line[0] == '#' {
			if err := r.meta.add(line); err != nil {
				return err
			}
			continue
		}
		if err := r.meta.complete(); err != nil {
			return err
		}
		if r.meta.Set != f.set {
			return fmt.Errorf("%w: %.20q, want %q", ErrSet, r.meta.Set, f.set)
		}
		if string(line) != f.header {
			return fmt.Errorf("%w header %.80q, want %q", ErrFormat, line, f.header)
		}
		return nil
	}
}

// next returns the next line without its end; io.EOF only between lines. The
// bytes are valid until the following call.
func (r *Reader[T]) next() ([]byte, error) {
	line, err := r.lines.ReadSlice('\n')
	if len(line) > 0 || err == nil {
		r.line++
	}
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("%w: line longer than %d bytes", ErrLimit, maxLine)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, fmt.Errorf("%w: no line end", ErrTruncated)
	}
	return nil, err
}

// unexpected turns an end of input into ErrTruncated; other errors pass.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}

// Meta returns what the preamble says. The map in it must not be changed.
func (r *Reader[T]) Meta() Meta { return r.meta }

// Next returns the next record, io.EOF after the last, or an *[Error]. It does
// not allocate unless it fails.
func (r *Reader[T]) Next() (T, error) {
	var zero T
	if r.err != nil {
		return zero, r.err
	}
	record, err := r.record()
	if err != nil {
		if err != io.EOF {
			err = &Error{File: r.file, Line: r.line, Err: unexpected(err)}
		}
		r.err = err
		return zero, err
	}
	return record, nil
}

// record reads one row; a bare io.EOF is the proper end of the trace.
func (r *Reader[T]) record() (T, error) {
	var zero T
	line, err := r.next()
	if r.read == r.meta.Rows {
		if err == nil {
			err = fmt.Errorf("%w: more rows than the %d promised", ErrFormat, r.meta.Rows)
		}
		return zero, err
	}
	if err == io.EOF {
		return zero, fmt.Errorf("%w: %d rows of %d", ErrTruncated, r.read, r.meta.Rows)
	}
	if err != nil {
		return zero, err
	}
	record, err := r.parse(line)
	if err != nil {
		return zero, err
	}
	if at := r.at(record); at < r.last {
		return zero, fmt.Errorf("%w: time %v after %v", ErrFormat, at, r.last)
	}
	r.last = r.at(record)
	r.read++
	return record, nil
}

// All yields the remaining records; at most one error comes, as the last pair.
func (r *Reader[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			record, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// Close releases the reader and, if this package opened it, the file.
func (r *Reader[T]) Close() error {
	err := r.zip.Close()
	if r.under != nil {
		err = errors.Join(err, r.under.Close())
	}
	if r.err == nil {
		r.err = &Error{File: r.file, Line: r.line, Err: fs.ErrClosed}
	}
	return err
}
