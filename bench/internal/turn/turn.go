// Package turn lets several benchmarks on one machine take turns: each holds a file's
// lock while it measures.
package turn

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Longest is after how long a turn is given up when others may be waiting.
const Longest = time.Minute

// Lock is a file whose lock is held while measuring. One goroutine uses it.
type Lock struct {
	path string
	held *os.File // nil while it is not
	till time.Time
}

// New names the file; it is made when it is not there. Without a name nothing is ever
// waited for.
func New(path string) *Lock { return &Lock{path: path} }

// Take waits until it is our turn, or ctx ends. A turn lasts over further Takes until it
// is over; whoever waits then goes first.
func (l *Lock) Take(ctx context.Context) error {
	if l.path == "" || l.held != nil && time.Now().Before(l.till) {
		return nil
	}
	l.Release()
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o666)
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	// A wait in flock(2) cannot be broken off, and trying again and again loses against
	// those who wait: so a goroutine waits, and who came in vain leaves it behind.
	locked := make(chan error, 1)
	go func() {
		err := unix.EINTR
		for err == unix.EINTR {
			err, _ = unix.Flock(int(f.Fd()), unix.LOCK_EX).(unix.Errno)
		}
		if err != 0 {
			locked <- fmt.Errorf("lock: %s: %w", l.path, err)
			return
		}
		locked <- nil
	}()
	select {
	case err = <-locked:
		if err != nil {
			f.Close()
			return err
		}
	case <-ctx.Done():
		go func() { <-locked; f.Close() }()
		return context.Cause(ctx)
	}
	l.held, l.till = f, time.Now().Add(Longest)
	return nil
}

// Release ends the turn. So does the end of the process, however it comes.
func (l *Lock) Release() {
	if l.held != nil {
		l.held.Close()
		l.held = nil
	}
}
