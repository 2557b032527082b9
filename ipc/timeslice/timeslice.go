// Package timeslice asks the kernel for short turns on a processor, to get them soon.
//
// Linux' scheduler of normal tasks (EEVDF: Stoica and Abdel-Wahab, Earliest Eligible
// Virtual Deadline First, Old Dominion University TR-95-22, 1995; kernel documentation,
// scheduler/sched-eevdf) gives everybody an equal share of a busy processor, and who asks
// for it in shorter slices is served sooner: since Linux 6.12 a task that wakes takes the
// processor at once from one that has a longer slice. With the same slice as everybody it
// waits until the other's is over, up to 2.8 ms, which is more than a call's whole budget.
// It gets no more of the processor for it, and needs no privilege.
//
// Who asks and who answers should do so alike. On a processor that they share, the one with
// the shorter slice takes the other's place in the middle of what it does: a hit then takes
// 9 µs instead of 5.
package timeslice

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Least and Most are what the kernel bounds a slice to.
const (
	Least = 100 * time.Microsecond
	Most  = 100 * time.Millisecond
)

// Short is what processes that answer kernels, or ask for them, should take where others
// compute.
const Short = Least

// ErrUnsupported is that this kernel gives everybody the same slice: before Linux 6.12.
var ErrUnsupported = errors.New("timeslice: the kernel knows no slices of a task's own, as Linux does since 6.12")

// Set gives all threads of this process, and those that they start, slices of d, Least
// to Most. Threads of another policy than SCHED_OTHER and SCHED_BATCH have none and are
// left as they are. The error is ErrUnsupported, or an unix.Errno where something forbids
// sched_setattr(2), such as a filter of system calls.
func Set(d time.Duration) error {
	if d < Least || d > Most {
		return fmt.Errorf("timeslice: %v; a slice takes %v to %v", d, Least, Most)
	}
	// A thread has the slice of the one that started it; so when all that there were have
	// been seen, all that come have it, too.
	for seen := make(map[int]bool); ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("timeslice: %w", err)
		}
		news := false
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil || seen[id] {
				continue
			}
			seen[id], news = true, true
			if err := setThread(id, d); err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
				return err
			}
		}
		if !news {
			return nil
		}
	}
}

func setThread(id int, d time.Duration) error {
	a, err := unix.SchedGetAttr(id, 0)
	if err != nil {
		return fmt.Errorf("timeslice: sched_getattr: %w", err)
	}
	if a.Policy != unix.SCHED_NORMAL && a.Policy != unix.SCHED_BATCH {
		return nil
	}
	if a.Runtime == 0 {
		return ErrUnsupported
	}
	a.Flags &= unix.SCHED_FLAG_RESET_ON_FORK
	a.Runtime = uint64(d)
	if err := unix.SchedSetAttr(id, a, 0); err != nil {
		return fmt.Errorf("timeslice: sched_setattr: %w", err)
	}
	return nil
}
