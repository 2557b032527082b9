package eventloop

import (
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc/busypoll"
)

// pace decides how the loop waits: parked, or in epoll itself while it keeps its
// processor.
//
// Parking takes three more system calls and a turn of the scheduler, which is a tenth
// of a call's time when a chain of processes shares a core. A loop that keeps its
// processor wants no more than epoll_wait, and owes two things for it. The processor
// must be given back when the runtime wants it: whoever stops the world, and the
// monitor thread after 10 ms, interrupts the wait with a signal, and then the loop
// parks. And the netpoller must not be left alone for long: every 5 ms the loop parks,
// so that other goroutines and their sockets have a turn. (Every millisecond would cost
// a fifth of a call's CPU: a parked process lets the monitor fall asleep, and a monitor
// that has just been woken polls every 20 µs. After 10 ms the monitor steps in, which
// sets further threads going, and the loop moves among them from then on.)
//
// The wait has no time limit of its own: setting a timer costs several microseconds on
// a virtual machine, which is more than it would save.
//
// What remains is that a goroutine of the same process may wait 10 ms for a processor. So
// the loop does this only where it was told that it is what its process is for, and for
// a while not at all when it has worked for other goroutines.
type pace struct {
	dedicated bool
	alone     bool  // there is one processor
	short     int   // how many times in a row parking was short, up to briskAfter
	watched   bool  // the monitor thread is awake
	looked    int64 // when the scheduler last had a look
	shared    bool  // other goroutines were worked for since the last round ended
	until     int64 // for their sake the processor is not kept before
}

const (
	// briskTime is a tenth of a core at 20 µs a request: with longer pauses than this
	// it does not matter how the loop waits.
	briskTime = 200 * time.Microsecond
	// briskAfter tells a stream of requests from one that waits for its answer.
	briskAfter = 4
	lookTime   = 5 * time.Millisecond
)

// interrupts is whether the runtime can interrupt a wait. GODEBUG can tell it not to.
var interrupts = !strings.Contains(os.Getenv("GODEBUG"), "asyncpreemptoff=1")

// Dedicate tells the loop that it is what its process is for: while requests come
// briskly it may keep its processor from one to the next, and poll for up to poll
// (package busypoll; 0: not at all) before it sleeps. Call it before Run.
func (l *Loop) Dedicate(poll time.Duration) {
	l.window = busypoll.New(poll)
	l.pace.dedicated = interrupts
	l.pace.alone = runtime.GOMAXPROCS(0) == 1
}

// Yield lets other goroutines run before the loop waits again, and for a while
// whenever it waits. A handler that has set one going calls it.
func (l *Loop) Yield() { l.pace.shared = true }

// parked notes from when to when the loop was. The monitor thread sleeps when every
// processor has nothing to do, and may have gone to sleep meanwhile.
func (p *pace) parked(from, to int64) {
	p.watched, p.looked = false, to
	if to-from >= int64(briskTime) {
		p.short = 0
	} else if p.short < briskAfter {
		p.short++
	}
}

// keep reports whether to wait with the processor kept. Else the loop is to park.
func (p *pace) keep(now int64) bool {
	if !p.dedicated || p.short < briskAfter {
		return false
	}
	if p.shared {
		p.shared, p.until = false, now+int64(lookTime)
	}
	if now >= p.until && now-p.looked <= int64(lookTime) {
		return true
	}
	if p.alone {
		// There may always be something ready, and then the loop does not park. With
		// more processors the others run; giving this one up there would move the loop
		// to another thread, a tenth of its time when it is busy.
		p.looked = now
		runtime.Gosched()
	}
	return false
}
