package wire

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/ipc"
)

// Frame appends call n of the sequence, with the given id and budget in ns, to b.
type Frame func(b []byte, n uint64, id, budget uint32) []byte

// Plan is a closed loop.
type Plan struct {
	InFlight  int // calls under way at a time; at most 64 for each connection
	Frame     Frame
	Budget    time.Duration
	Want      ipc.Source // other answers count as unexpected
	Warm, Run time.Duration
	Servers   []int // processes whose CPU time counts
}

// Closed keeps calls in flight, each on the next connection in turn, so that all
// connections are used alike. The result's CPU is that of the servers alone; client is
// this process's, in µs a call.
func Closed(ctx context.Context, s *Set, p Plan) (r load.Result, client float64, err error) {
	l := &closedLoop{set: s, plan: p, sent: make([]time.Time, p.InFlight)}
	for id := range p.InFlight {
		l.ask(id, time.Now())
	}
	if err := l.run(ctx, p.Warm); err != nil {
		return r, 0, err
	}
	l.hist, l.unexpected = load.NewHistogram(), 0
	self := []int{os.Getpid()}
	servers, own := process.CPUTime(p.Servers), process.CPUTime(self)
	began := time.Now()
	if err := l.run(ctx, p.Run); err != nil {
		return r, 0, err
	}
	took := time.Since(began)
	servers, own = process.CPUTime(p.Servers)-servers, process.CPUTime(self)-own
	if err := l.finish(ctx); err != nil {
		return r, 0, err
	}
	r = load.Summary(l.hist, l.hist.TotalCount(), took, servers)
	r.Unexpected = l.unexpected
	return r, float64(own.Nanoseconds()) / 1e3 / float64(max(r.Questions, 1)), nil
}

// closedLoop is a run of Closed. Call ids are 1 + the index into sent.
type closedLoop struct {
	set        *Set
	plan       Plan
	next       uint64
	turn       int // connection of the next call
	sent       []time.Time
	ending     bool
	open       int
	hist       *hdrhistogram.Histogram // nil while warming up
	unexpected int64
	err        error
}

func (l *closedLoop) ask(id int, now time.Time) {
	b := l.plan.Frame(l.set.Queue(l.turn), l.next, uint32(id+1), uint32(l.plan.Budget))
	l.set.Queued(l.turn, b)
	l.sent[id] = now
	l.next++
	l.open++
	if l.turn++; l.turn == l.set.Len() {
		l.turn = 0
	}
}

// answered takes a reply and asks the next question in its place.
func (l *closedLoop) answered(_ int, r Reply) {
	id := int(r.ID) - 1
	if id < 0 || id >= len(l.sent) {
		l.err = fmt.Errorf("wire: a reply to call %d", r.ID)
		return
	}
	now := time.Now()
	if l.hist != nil && !l.ending {
		_ = l.hist.RecordValue(max(1, now.Sub(l.sent[id]).Nanoseconds())) // far below its range
	}
	if r.Status != ipc.StatusOK || r.Source != l.plan.Want {
		l.unexpected++
	}
	l.open--
	if !l.ending {
		l.ask(id, now)
	}
}

func (l *closedLoop) run(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := l.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *closedLoop) finish(ctx context.Context) error {
	l.ending = true
	for end := time.Now().Add(patience); l.open > 0; {
		if time.Now().After(end) {
			return fmt.Errorf("wire: %d calls were not answered within %v", l.open, patience)
		}
		if err := l.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *closedLoop) step(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := l.set.Flush(); err != nil {
		return err
	}
	if err := l.set.Poll(100, l.answered); err != nil {
		return err
	}
	return l.err
}
