package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Soak is a long run at a fifth of the maximum load, and what the processes held
// meanwhile.
type Soak struct {
	Machine string  `json:"machine"`
	Seconds float64 `json:"seconds"`
	MaxRate float64 `json:"max_rate"` // calls a second, measured before: a closed loop of 64
	Rate    float64 `json:"rate"`     // of the run, an open loop
	Budget  float64 `json:"budget_us"`

	Interrupted bool `json:"interrupted,omitempty"`

	Sent     uint64            `json:"sent"`
	Answered uint64            `json:"answered"`
	InBudget uint64            `json:"in_budget"`
	BySource map[string]uint64 `json:"by_source"`
	Wrong    uint64            `json:"wrong"`
	Lost     uint64            `json:"lost"`
	Dropped  uint64            `json:"dropped"` // calls that were due and not made: too many were open
	P50us    float64           `json:"p50_us"`
	P99us    float64           `json:"p99_us"`
	P999us   float64           `json:"p999_us"`
	Pacing   float64           `json:"pacing_p99_us"`
	Connects uint64            `json:"connects"`

	Processors Processors `json:"processors"`

	Trends []Trend  `json:"trends"`
	Flat   bool     `json:"flat"`
	Failed []string `json:"failed,omitempty"`

	Samples []Sample `json:"samples"`
}

// SoakPlan says how a Soak goes.
type SoakPlan struct {
	For     time.Duration
	Share   float64 // of the maximum load
	Sample  time.Duration
	Maximum time.Duration // for how long the maximum is looked for
}

// Soak runs it. A run that ctx ends has what was found until then.
func (e *Env) Soak(ctx context.Context, p SoakPlan, log io.Writer) (*Soak, error) {
	c, err := e.newChain(false)
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	if _, err := c.recover(ctx); err != nil {
		return nil, err
	}
	s := &Soak{Budget: micros(time.Millisecond)}
	if s.MaxRate, err = e.maximum(ctx, c, p.Maximum); err != nil {
		return nil, err
	}
	s.Rate = s.MaxRate * p.Share
	fmt.Fprintf(log, "maximum %.0f calls a second; soaking at %.0f for %v\n", s.MaxRate, s.Rate, p.For)
	counts, err := Load{
		Oracle: e.Oracle, Socket: c.socket, Rate: s.Rate, For: p.For, UntilDone: true,
		Budget: func(uint64) time.Duration { return time.Millisecond },
	}.Run(context.WithoutCancel(ctx), func(context.Context) error {
		watching, stop := context.WithCancel(ctx)
		var watch sync.WaitGroup
		watch.Go(func() { s.watch(watching, c, p.Sample, log) })
		began, before := time.Now(), c.used()
		s.Interrupted = pause(ctx, p.For) != nil
		s.Seconds = time.Since(began).Seconds()
		s.Processors = c.used().since(before, s.Seconds)
		stop()
		watch.Wait()
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.count(counts)
	s.judge()
	return s, nil
}

// maximum is how many calls a second 64 callers get answered who each wait.
func (e *Env) maximum(ctx context.Context, c *Chain, lasts time.Duration) (float64, error) {
	client, err := newClient(ctx, c.socket, "soak")
	if err != nil {
		return 0, err
	}
	defer client.Close()
	run, err := load.StartClosed(ctx, load.Options{Workers: 64, Duration: lasts, Warmup: lasts / 5, Labels: []string{"call"}, Sources: sources},
		func(ctx context.Context, _ int, n uint64, _ int) load.Outcome {
			_, q := e.Oracle.Question(n)
			replies := make([]ipc.Reply, 1)
			err := client.Predict(context.Background(), []ipc.Request{q}, replies, ipc.Options{Budget: time.Second})
			return outcome(err, &replies[0])
		})
	if err != nil {
		return 0, err
	}
	r := run.Wait()
	if r.Interrupted || r.Rate() == 0 {
		return 0, errors.Join(errors.New("no maximum was found"), context.Cause(ctx))
	}
	return r.Rate(), nil
}

func (s *Soak) count(c *Counts) {
	q := c.quantiles()
	s.Sent, s.Answered, s.InBudget, s.BySource, s.Wrong, s.Lost, s.Dropped = c.Sent, c.Answered, c.InBudget, c.BySource, c.Wrong, c.Lost, c.Dropped
	s.P50us, s.P99us, s.P999us, s.Pacing, s.Connects = micros(q.P50), micros(q.P99), micros(q.P999), micros(c.Pacing), c.Connects
	s.Failed = append(s.Failed, c.Examples...)
}

// Good reports whether nothing failed.
func (s *Soak) Good() bool { return s.Flat && s.Wrong == 0 && s.Lost == 0 }
