//go:build race

package rawio

import "syscall"

// The race detector learns from package syscall that what one goroutine did before
// a write has happened before another's read of it. So under the detector the calls
// go through there; io.go says what they are otherwise.

// Read reads from a non-blocking descriptor; see io.go.
func Read(fd int, p []byte) (int, error) {
	n, err := syscall.Read(fd, p)
	return max(n, 0), err
}

// Send writes to a non-blocking socket; see io.go. Go's runtime ignores the signal.
func Send(fd int, p []byte) (int, error) { return Write(fd, p) }

// Write writes to a non-blocking descriptor; see io.go.
func Write(fd int, p []byte) (int, error) {
	n, err := syscall.Write(fd, p)
	return max(n, 0), err
}
