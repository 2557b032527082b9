package timeslice

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// own gives the slice of the calling thread.
func own() (time.Duration, error) {
	a, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return 0, err
	}
	if a.Runtime == 0 {
		return 0, ErrUnsupported
	}
	return time.Duration(a.Runtime), nil
}

// TestSet: threads that there are and threads that come later have the slice.
func TestSet(t *testing.T) {
	before, err := own()
	if errors.Is(err, ErrUnsupported) {
		if err := Set(Short); !errors.Is(err, ErrUnsupported) {
			t.Errorf("Set where there is no such thing: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Set(before); err != nil {
			t.Error(err)
		}
	})
	stop := make(chan struct{})
	defer close(stop)
	occupy := func(n int) { // threads, by goroutines that keep theirs
		for range n {
			ready := make(chan struct{})
			go func() {
				runtime.LockOSThread()
				close(ready)
				<-stop
			}()
			<-ready
		}
	}
	occupy(3)
	for _, d := range []time.Duration{Short, 7 * time.Millisecond} {
		if err := Set(d); err != nil {
			t.Fatal(err)
		}
		want := d
		if a, err := unix.SchedGetAttr(0, 0); err != nil || a.Policy == unix.SCHED_IDLE {
			want = before // the tests are run in a class that has no slices
		}
		occupy(3)
		for range 8 {
			got := make(chan time.Duration)
			go func() {
				runtime.LockOSThread() // and never unlocked: the next is on another thread
				d, err := own()
				if err != nil {
					t.Error(err)
				}
				got <- d
			}()
			if d := <-got; d != want {
				t.Errorf("a thread has a slice of %v, want %v", d, want)
			}
		}
	}
}

func TestSetRefusesWhatTheKernelWouldClamp(t *testing.T) {
	for _, d := range []time.Duration{0, -1, Least - 1, Most + 1} {
		if err := Set(d); err == nil || errors.Is(err, ErrUnsupported) {
			t.Errorf("Set(%v): %v", d, err)
		}
	}
}
