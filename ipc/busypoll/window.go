// Package busypoll decides how long a waiter looks again and again before it sleeps.
//
// Waking a sleeper costs more than most answers do. Where its processor has halted
// meanwhile, as an idle one does, a virtual machine needs tens of microseconds for it: the
// C ping-pong of `make bench`, which sleeps, takes 3 µs a call on one processor and 60 on
// two. A hit over the socket took 58 µs on two before the bridge and its client looked
// again, and 6 since; on one processor, which a waiter that has found nothing offers to
// the other before it looks again, 6 and 5.
//
// Looking is work for nothing where nothing comes. So a window opens and closes as
// the halt polling of Linux's KVM does (Documentation/virt/kvm/halt-polling.rst): it grows
// from a few microseconds while waits turn out to be short, and closes at the first that
// was longer than the longest window. A waiter whose questions come 1 ms apart never
// polls; one that is asked without pause hardly ever sleeps.
//
// Who offers the processor may not get it back for a scheduler's slice if somebody else
// computes there, while a sleeper that is woken is preferred. So a waiter that was away for
// half a millisecond does not poll for a while, and if that happens again within a thousand
// looks, for four times as long.
package busypoll

import "time"

// DefaultMost is the longest window where none is given. With questions more than this
// apart nothing is polled; so a core polls for nothing only where it is asked more than
// ten thousand times a second.
const DefaultMost = 100 * time.Microsecond

const (
	firstWindow = int64(10 * time.Microsecond)

	// lostAfter is more than a peer on the same processor needs for an answer, and less
	// than the slice of a stranger that computes (base_slice_ns, 0.7 ms for each doubling
	// of the processors up to 2.8 ms).
	lostAfter = int64(500 * time.Microsecond)

	// shortestBar is short because a host that takes the processor away for once looks the
	// same. On a virtual machine where that happens four times a second, 100 ms left cold
	// calls without polling for nearly half of the time, at 100 µs each.
	shortestBar = int64(10 * time.Millisecond)
	longestBar  = int64(10 * time.Second)

	// keptEnough looks in a row tell a host from a stranger that computes, who takes the
	// processor at nearly each. It is more than it takes to open a window.
	keptEnough = 1000
)

// Window is how long one waiter polls. It is not safe for concurrent use. Times are of
// one monotonic clock, in ns.
//
// A wait is Start, then looks with Again between them as long as that says so, then sleep
// if nothing was found, then End.
type Window struct {
	most   int64 // 0: never poll
	window int64 // at most this from the start of a wait
	from   int64 // the start of the wait under way
	looked int64 // the latest look
	begun  bool  // a wait is under way
	slept  bool  // polling has ended without result
	barred int64 // until when the processor is left to others
	bar    int64 // how long that was decided to be the last time
	kept   int   // looks after which the processor was still there, since it was lost
}

// New gives a closed window that grows to most, at most a second. 0 or less: it stays
// closed.
func New(most time.Duration) Window {
	return Window{most: int64(min(max(most, 0), time.Second))}
}

// Open reports whether a wait that began now would look again before sleeping.
func (w *Window) Open() bool { return w.window > 0 }

// Start begins a wait at now and reports whether to look again before sleeping.
func (w *Window) Start(now int64) bool {
	w.from, w.looked, w.begun = now, now, true
	w.slept = w.window == 0
	return !w.slept
}

// Again reports whether to look once more. It is asked after a look that found nothing,
// and after the processor has been offered to others.
func (w *Window) Again(now int64) bool {
	w.mind(now)
	w.looked = now
	w.slept = now-w.from >= w.window
	return !w.slept
}

// End ends the wait at now: something was found. Without a Start before it does nothing.
func (w *Window) End(now int64) {
	begun := w.begun
	w.begun = false
	switch took := now - w.from; {
	case !begun:
	case !w.slept:
		w.mind(now)
	case took > w.most || now < w.barred:
		w.window = 0
	default:
		w.window = min(max(firstWindow, 2*w.window), w.most)
	}
}

// Barred reports whether looking again is out of the question at now: others had the
// processor for long not long ago.
func (w *Window) Barred(now int64) bool { return now < w.barred }

// mind leaves the processor to others for a while if they had it for long, after the
// latest look and until now.
func (w *Window) mind(now int64) {
	if now-w.looked < lostAfter {
		w.kept++
		return
	}
	if w.kept >= keptEnough {
		w.bar = 0
	}
	w.kept = 0
	w.bar = min(max(shortestBar, 4*w.bar), longestBar)
	w.barred, w.window = now+w.bar, 0
}
