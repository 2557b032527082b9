package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// Observation is the first phase: the subsystems at work.
type Observation struct {
	cfg     Config
	runners []*runner
	began   atomic.Pointer[time.Time] // when Run did
	meter   meter                     // of Status
}

// NewObservation opens the sources, which Run closes. The error says which could not be
// opened; then none is left open.
func NewObservation(cfg Config) (*Observation, error) {
	o := &Observation{cfg: cfg}
	for _, kind := range []ipc.Kind{ipc.Workload, ipc.Memory, ipc.Failure, ipc.Threat} {
		for _, origin := range cfg.Origins[kind] {
			r, err := newRunner(&cfg, kind, origin)
			if err != nil {
				return nil, errors.Join(err, o.close())
			}
			o.runners = append(o.runners, r)
		}
	}
	return o, nil
}

// close closes the sources of an observation that will not run.
func (o *Observation) close() error {
	var all []error
	for _, r := range o.runners {
		all = append(all, r.close())
	}
	return errors.Join(all...)
}

// Run lets all subsystems run, until their inputs end or the time is up. The error
// is of the first source that failed.
func (o *Observation) Run(ctx context.Context) error {
	now := time.Now()
	o.began.Store(&now)
	ctx, cancel := context.WithTimeout(ctx, o.cfg.For)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range o.runners {
		group.Go(func() error {
			if err := r.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// Status is for a live view: how the questions were answered so far, and how fast.
// One goroutine may ask, also while Run begins.
func (o *Observation) Status() report.Status {
	st := report.Status{
		Total:    o.cfg.For,
		BudgetUS: float64(o.cfg.Budget) / 1e3,
		Sources:  []string{"model", "rule: model unsure", "rule: no model"},
	}
	if began := o.began.Load(); began != nil {
		st.Elapsed = min(time.Since(*began), o.cfg.For)
	}
	var asked, inTime uint64
	for _, r := range o.runners {
		c := r.advisor.Counts()
		asked += c.Asked
		inTime += c.InTime
		st.Predictions = append(st.Predictions, report.StatusRow{
			Name: r.name, Answered: c.Asked, Share: share(c.InTime, c.Asked),
			Sources: []uint64{c.Model, c.Unsure, c.Absent}, Latency: latencyOf(c.Latency),
		})
		if rows := r.comparisons(); len(rows) > 0 {
			st.Comparisons = append(st.Comparisons, rows[0]) // the rest is in the report
		}
	}
	st.Share = share(inTime, asked)
	st.Rate = o.meter.read(st.Elapsed, asked)
	return st
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func latencyOf(h *hdrhistogram.Histogram) report.Latency {
	q := load.QuantilesOf(h)
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	return report.Latency{P50: us(q.P50), P90: us(q.P90), P99: us(q.P99), P999: us(q.P999), Max: us(q.Max)}
}

// AddTo writes what the subsystems did into a report. Run must have returned.
func (o *Observation) AddTo(r *report.Report) {
	for _, run := range o.runners {
		r.Comparisons = append(r.Comparisons, run.results.Comparisons(true)...)
		r.Effects = append(r.Effects, run.answers()...)
		r.Effects = append(r.Effects, run.results.Effects()...)
		if note := run.note(); note != "" {
			r.Notes = append(r.Notes, note)
		}
	}
}

// answers says who decided, and what a demoted model left to the rule.
func (g *runner) answers() []report.Effect {
	c := g.advisor.Counts()
	rows := []report.Effect{{
		Subsystem: g.name, Name: "decided by the model", Value: 100 * share(c.Model-c.Partly, c.Asked), Unit: "%",
		Note: fmt.Sprintf("%s of %s; %s below confidence %g, %s without its answer; %s outcomes reported", report.Count(c.Model-c.Partly),
			report.Count(c.Asked), report.Count(c.Unsure), thresholds[g.kind], report.Count(c.Absent), report.Count(c.Reports)),
	}}
	if n := c.Why[ipc.ReasonDemoted.String()]; n > 0 {
		rows = append(rows, report.Effect{
			Subsystem: g.name, Name: "left to the rule by a demoted model", Value: 100 * share(n, c.Asked), Unit: "%",
			Note: fmt.Sprintf("%s of %s: the bridge found the rule better", report.Count(n), report.Count(c.Asked)),
		})
	}
	if c.Partly > 0 {
		rows = append(rows, report.Effect{
			Subsystem: g.name, Name: "partly left to the rule by a demoted model", Value: 100 * share(c.Partly, c.Asked), Unit: "%",
			Note: fmt.Sprintf("%s of %s: the bridge found the rule better at a part of the answer", report.Count(c.Partly), report.Count(c.Asked)),
		})
	}
	return rows
}

// note says what a reader must know about this subsystem's figures.
func (g *runner) note() string {
	c := g.advisor.Counts()
	var parts []string
	if c.Asked == 0 {
		return g.name + ": nothing was observed, so nothing was asked."
	}
	if c.Model+c.Unsure == 0 {
		parts = append(parts, "no model answered, so there is no model to compare")
	}
	if c.Absent > 0 {
		var why []string
		for _, w := range slices.Sorted(maps.Keys(c.Why)) {
			why = append(why, w+" "+report.Count(c.Why[w]))
		}
		parts = append(parts, fmt.Sprintf("%s of %s questions had no model's answer (%s)", report.Count(c.Absent), report.Count(c.Asked), strings.Join(why, ", ")))
	}
	if h, ok := g.results.(interface{ Failures() int }); ok && h.Failures() == 0 {
		parts = append(parts, "no failure happened while it was watched, so nothing could be caught")
	}
	if len(parts) == 0 {
		return ""
	}
	return g.name + ": " + strings.Join(parts, "; ") + "."
}
