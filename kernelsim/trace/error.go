package trace

import (
	"errors"
	"fmt"
)

// What can be wrong with a trace. Every error of this package about a file's
// content is an *[Error] that wraps one of these, or the error of gzip or of
// the underlying reader.
var (
	// ErrFormat: a line is not what the format says at that place.
	ErrFormat = errors.New("malformed")
	// ErrVersion: the preamble names a version this package does not read.
	ErrVersion = errors.New("unsupported version")
	// ErrSet: the file holds another kind of record than was asked for.
	ErrSet = errors.New("other set of records")
	// ErrTruncated: the file ends before the rows its preamble promises.
	ErrTruncated = errors.New("truncated")
	// ErrLimit: a line, the preamble or the row count exceeds a limit of this package.
	ErrLimit = errors.New("over the limit")
)

// Error says where in which file reading stopped, and why.
type Error struct {
	File string // the name given when the trace was opened
	Line int    // 1-based line of the decompressed text; 0 before the first
	Err  error
}

// Error returns "trace: FILE:LINE: reason".
func (e *Error) Error() string { return fmt.Sprintf("trace: %s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }
