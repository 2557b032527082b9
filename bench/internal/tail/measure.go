package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/payload"
)

// Stream is a kind of call that is measured.
type Stream struct {
	Name   string
	What   string
	floor  bool // asked of the C floor by a client in C
	hot    bool
	budget time.Duration
}

// Streams gives all of them, the floor first.
func Streams() []Stream {
	return []Stream{
		{Name: "c-floor", What: "the floor in C, no encoding", floor: true, hot: true},
		{Name: "hit", What: "the bridge's cache answers; budget 1 ms", hot: true, budget: time.Millisecond},
		{Name: "cold", What: "a new question each time; budget 1 ms: stale or rule answers when the model is late", budget: time.Millisecond},
		{Name: "cold-500ms", What: "the same with a budget of 500 ms: how long the model's answer takes", budget: 500 * time.Millisecond},
	}
}

// Plan says how calls are made.
type Plan struct {
	Rate      int // calls a second
	Warm, Run time.Duration
}

// Run is one measurement: a stream under a condition.
type Run struct {
	Calls      Series
	Sleepers   []Series // one a core
	Proof      Proof
	Bridge     Collections
	Daemon     Collections
	ClientGC   int
	Waiting    Waiting
	Busy       float64 // share of all cores' time
	Steal      float64
	Pacing     float64 // p99 of the client's own lateness, µs; 0 of the floor
	Reconnects int
}

// Waiting is how long threads were ready and did not run, µs a call.
type Waiting struct {
	Client float64 `json:"client"`
	Bridge float64 `json:"ml_bridge"`
	Daemon float64 `json:"mld"`
}

// slack is what starting and ending may take on top.
const slack = 30 * time.Second

// Measure starts fresh daemons, the disturbance, and the client with the sleepers
// beside it.
func (e *Env) Measure(ctx context.Context, s Stream, cond Condition, p Plan) (r *Run, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Warm+p.Run+slack)
	defer cancel()
	c, err := e.startChain(ctx, s.hot, &cond)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	address := c.socket
	if s.floor {
		address = e.socket("floor")
		v, err := e.Starter.Serve(ctx, false, e.program("floor"), "serve", address, strconv.Itoa(payload.ReplyBytes))
		if err != nil {
			return nil, err
		}
		defer v.Stop()
	}
	r = new(Run)
	w := watch{chain: c, began: readTicks()}
	if err := w.read(0); err != nil {
		return nil, err
	}
	end := nothing
	if cond.begin != nil {
		if end, err = cond.begin(ctx, e, c); err != nil {
			return nil, err
		}
	}
	err = e.ask(ctx, r, s, &cond, p, address)
	busy, steal := readTicks().shares(w.began)
	if failed := end(); err == nil && failed != nil {
		err = fmt.Errorf("tail: the disturbance failed: %w", failed)
	}
	if err != nil {
		return nil, err
	}
	if err := w.read(1); err != nil {
		return nil, err
	}
	r.Busy, r.Steal = busy, steal
	w.tell(r, &cond, (p.Warm+p.Run).Seconds()*float64(p.Rate))
	return r, nil
}

// watch is two readings of everything that counts.
type watch struct {
	chain   *chain
	began   ticks
	pages   change
	waiting [2]struct{ bridge, daemon uint64 }
}

func (w *watch) read(i int) (err error) {
	c := w.chain
	w.waiting[i].bridge, w.waiting[i].daemon = waiting(c.bridge.PID), waiting(c.daemon.PID)
	if w.pages.bridge[i], err = readCounters(c.bridgePage); err != nil {
		return err
	}
	w.pages.daemon[i], err = readCounters(c.daemonPage)
	return err
}

// tell fills in what the readings say. A bridge that was restarted is another process,
// whose counters begin anew: nothing is said of it.
func (w *watch) tell(r *Run, cond *Condition, calls float64) {
	perCall := func(before, after uint64) float64 { return float64(after-before) / 1e3 / calls }
	r.Waiting.Daemon = perCall(w.waiting[0].daemon, w.waiting[1].daemon)
	r.Daemon = collections(w.pages.daemon[0], w.pages.daemon[1])
	if !cond.Restarts {
		r.Waiting.Bridge = perCall(w.waiting[0].bridge, w.waiting[1].bridge)
		r.Bridge = collections(w.pages.bridge[0], w.pages.bridge[1])
	}
	w.pages.restarts = w.chain.restarts
	if cond.proof != nil {
		r.Proof = cond.proof(&w.pages)
	}
}

// ask runs the client and the sleepers.
func (e *Env) ask(ctx context.Context, r *Run, s Stream, cond *Condition, p Plan, address string) error {
	var tasks sync.WaitGroup
	var errs [2]error
	r.Sleepers = make([]Series, Cores())
	sleeping := make([]error, Cores())
	tasks.Go(func() {
		if s.floor {
			errs[0] = e.askFloor(ctx, r, p, address)
			return
		}
		errs[0] = e.askBridge(ctx, r, Ask{
			Socket: address, Hot: s.hot, Short: cond.Short, Budget: s.budget, Rate: p.Rate, Warm: p.Warm, Run: p.Run,
		})
	})
	for core := range Cores() {
		tasks.Go(func() {
			out, err := e.Starter.Output(ctx, false, e.program("pace"), "sleep", strconv.Itoa(core), strconv.Itoa(p.Rate), ms(p.Warm+p.Run))
			if err == nil {
				r.Sleepers[core], err = parseSeries(out)
			}
			sleeping[core] = err
		})
	}
	tasks.Wait()
	return errors.Join(append(sleeping, errs[:]...)...)
}

func (e *Env) askBridge(ctx context.Context, r *Run, a Ask) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	out, err := e.Starter.Output(ctx, false, e.program("tails"), "-ask", string(text))
	if err != nil {
		return err
	}
	var asked Asked
	if err := json.Unmarshal(out, &asked); err != nil {
		return fmt.Errorf("tail: client: %w", err)
	}
	r.Calls, r.Pacing, r.ClientGC = asked.Series, asked.Pacing, int(asked.GC)
	r.Waiting.Client = asked.Waiting
	r.Reconnects = int(asked.Links) - 1
	return nil
}

func (e *Env) askFloor(ctx context.Context, r *Run, p Plan, address string) error {
	frames := filepath.Join(e.Temp, "frames")
	if err := os.WriteFile(frames, payload.Frames(1, true), 0o600); err != nil {
		return err
	}
	out, err := e.Starter.Output(ctx, false, e.program("pace"), "ask", address, frames, strconv.Itoa(p.Rate), ms(p.Warm), ms(p.Run))
	if err != nil {
		return err
	}
	r.Calls, err = parseSeries(out)
	return err
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
