package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Sources names who may answer, in the order of an open loop's results.
var Sources = []string{"model", "cache", "stale", "rule"}

// PerConn is how many calls a generator has under way on one connection at most: the
// bridge refuses more.
const PerConn = 64

// Generator makes the calls of an open loop from the pacing thread alone: it is the
// run's Target and its Clock. The thread spins between two starts, because a wake-up
// costs more than the time between them; instead of spinning idly it sends what has been
// started and reads what has been answered. So it needs a core, and no other thread has
// to be woken for an answer.
//
// Starts that are due at once leave in one write. When the last start has been made, a
// goroutine goes on reading until Close.
type Generator struct {
	clock  *load.Monotonic
	warmup time.Duration
	run    time.Duration // the measured part
	frame  Frame
	budget time.Duration
	margin time.Duration

	mu       sync.Mutex // guards all below
	set      *Set
	calls    []load.Call // by slot; ids on the wire are 1 + slot
	open     []int       // calls under way by connection
	turn     int
	late     int   // starts since the last flush that were due already
	attended int64 // when the pacing thread was last here, ns on clock
	end      int64 // of the starts, ns on clock; 0 before the first
	windows  windows
	err      error

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// NewGenerator makes a generator of calls that want their answer within budget. Use it
// for one run, with o's MaxInFlight at most PerConn × the connections of s, and Close it
// before s.
func NewGenerator(s *Set, frame Frame, budget time.Duration, o load.Options) *Generator {
	ctx, stop := context.WithCancel(context.Background())
	g := &Generator{
		clock: load.NewMonotonic(-1), warmup: o.Warmup, run: o.Duration, windows: newWindows(o.Duration),
		frame: frame, budget: budget,
		// What clients of package ipc keep for the way back.
		margin: min(100*time.Microsecond, budget/4),
		set:    s, calls: make([]load.Call, o.Slots()), open: make([]int, s.Len()), stop: stop,
	}
	g.attended = g.clock.Now()
	g.tasks.Go(func() { g.attend(ctx) })
	return g
}

// Close ends the reading and says what went wrong with the connections, if anything.
func (g *Generator) Close() error {
	g.stop()
	g.tasks.Wait()
	return g.err
}

// Kept is the share of the calls, 0 to 1, that the model answered within the budget,
// perhaps from a cache, in the median [Window] of the run. Call it after Close.
func (g *Generator) Kept() float64 { return g.windows.median() }

// Now implements load.Clock.
func (g *Generator) Now() int64 { return g.clock.Now() }

// lateStarts is how many starts that are already due are gathered before they are sent.
const lateStarts = 64

// SleepUntil implements load.Clock for the pacing thread: it sends and reads until t.
func (g *Generator) SleepUntil(t int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.end == 0 {
		settle()
		now := g.clock.Now()
		g.end, g.windows.from = now+int64(g.warmup+g.run), now+int64(g.warmup)
	}
	g.attended = g.clock.Now()
	if g.attended >= t {
		if g.late++; g.late < lateStarts {
			return
		}
		g.exchange(0)
		return
	}
	for g.attended < t {
		g.exchange(0)
		g.attended = g.clock.Now()
	}
}

// exchange sends what waits and reads what has come within so many milliseconds.
func (g *Generator) exchange(milliseconds int) {
	g.late = 0
	if g.err != nil {
		return
	}
	if err := g.set.Flush(); err != nil {
		g.err = err
		return
	}
	if err := g.set.Poll(milliseconds, g.answered); err != nil && g.err == nil {
		g.err = err
	}
}

// Issue implements load.Target. The call goes to the next connection that has room and
// names what is left of its budget, counted from its intended start, less the margin.
func (g *Generator) Issue(c load.Call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		c.Done(load.Outcome{Err: g.err})
		return
	}
	g.windows.start(c.N, c.Intended)
	left := g.budget - time.Duration(g.clock.Now()-c.Intended) - g.margin
	i := g.place()
	if i < 0 {
		c.Done(load.Outcome{Err: errNoRoom})
		return
	}
	g.open[i]++
	g.calls[c.Slot()] = c
	b := g.frame(g.set.Queue(i), c.N, uint32(c.Slot()+1), uint32(max(left, 1)))
	g.set.Queued(i, b)
}

// errNoRoom cannot happen within the in-flight bound; it would show as an error.
var errNoRoom = errors.New("wire: every connection has all the calls it may")

// place finds a connection with room, -1 when there is none.
func (g *Generator) place() int {
	for range g.open {
		i := g.turn
		if g.turn++; g.turn == len(g.open) {
			g.turn = 0
		}
		if g.open[i] < PerConn {
			return i
		}
	}
	return -1
}

// answered takes a reply. It runs inside exchange.
func (g *Generator) answered(i int, r Reply) {
	slot := int(r.ID) - 1
	if slot < 0 || slot >= len(g.calls) {
		g.err = fmt.Errorf("wire: a reply to call %d", r.ID)
		return
	}
	g.open[i]--
	o := load.Outcome{Source: int(r.Source) - int(ipc.SourceModel)}
	if r.Status != ipc.StatusOK {
		o.Err = statusError(r.Status)
	}
	c := g.calls[slot]
	if (r.Source == ipc.SourceModel || r.Source == ipc.SourceCache) && g.clock.Now()-c.Intended <= int64(g.budget) {
		g.windows.keep(c.Intended)
	}
	c.Done(o)
}

// statusError is a refusal. Texts are few, so that errors are counted by kind.
type statusError ipc.Status

func (e statusError) Error() string { return "wire: " + ipc.Status(e).String() }

// attend reads in the pacing thread's place once that has made its last start.
func (g *Generator) attend(ctx context.Context) {
	for ctx.Err() == nil {
		g.mu.Lock()
		over := g.end != 0 && g.clock.Now() > max(g.end, g.attended+int64(time.Millisecond))
		if over {
			g.exchange(1)
		}
		failed := g.err != nil
		g.mu.Unlock()
		if !over || failed {
			time.Sleep(time.Millisecond)
		}
	}
}
