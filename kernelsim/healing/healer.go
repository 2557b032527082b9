// Package healing plays the kernel's self-healing: for every component it asks
// whether a failure is coming and of which type, and starts the recovery procedure
// of that type when it is likely. A second set of guards does the same on the
// rule's word alone.
//
// A failure is caught early when a procedure was started for its component within
// the horizon before it, and the time in between is the lead. A procedure that no
// failure follows within the horizon was a false alarm. Procedures are simulated
// and prevent nothing: the failures come as they were recorded, which is how one
// knows that they were coming.
package healing

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/score"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// Threshold is the confidence from which the model decides. Confidence is the
// chance that the verdict is right; below a coin's there is no reason to listen.
const Threshold = 0.5

// maxComponents bounds the components watched; further ones are not.
const maxComponents = 64

// Healer watches components. It belongs to one goroutine.
type Healer struct {
	name       string
	advisor    *advice.Advisor
	components map[string]*component
	order      []*component

	reqs []ipc.Request
	advs []advice.Advice
	who  []asking

	brier    score.Paired
	times    score.Paired // relative errors of the time to what came
	areas    score.Ranked
	caught   score.Paired // share of failures caught early
	alarms   score.Paired // share of alarms that were false
	failures int
}

type asking struct {
	component *component
	at        time.Time
}

// New makes a healer; name is what reports call it.
func New(name string, advisor *advice.Advisor) *Healer {
	h := &Healer{name: name, advisor: advisor, components: make(map[string]*component)}
	// Failures and alarms are events, apart by a horizon or a procedure: each is
	// its own block.
	h.caught.Block, h.alarms.Block = 1, 1
	return h
}

// Step takes the readings of an instant.
func (h *Healer) Step(ctx context.Context, readings []source.Reading) error {
	h.reqs, h.who = h.reqs[:0], h.who[:0]
	for i := range readings {
		r := &readings[i]
		c := h.component(r.Component)
		if c == nil {
			continue
		}
		begins := c.observe(r)
		h.settle(ctx, c, r.At, begins)
		if c.failing {
			continue // it need not be asked whether it is about to
		}
		h.reqs, h.who = append(h.reqs, c.ask(r)), append(h.who, asking{c, r.At})
	}
	for len(h.advs) < len(h.reqs) {
		h.advs = append(h.advs, advice.Advice{})
	}
	if err := h.advisor.Ask(ctx, h.reqs, h.advs); err != nil {
		return err
	}
	for i, w := range h.who {
		c, a := w.component, h.advs[i]
		c.ml.advise(&a.Act.Failure, c.readings, w.at)
		c.rule.advise(&a.Rule.Failure, c.readings, w.at)
		c.open = append(c.open, question{at: w.at, number: c.readings, advice: a})
	}
	h.advisor.Flush(ctx)
	return nil
}

func (h *Healer) component(name string) *component {
	c := h.components[name]
	if c == nil && len(h.components) < maxComponents {
		c = &component{name: name, id: uint64(len(h.components))}
		h.components[name] = c
		h.order = append(h.order, c)
	}
	return c
}

// settle answers the open questions: with yes, all whose horizon holds the failure
// that begins now; with no, those whose horizon has passed without one.
func (h *Healer) settle(ctx context.Context, c *component, at time.Time, begins bool) {
	horizon := c.horizon()
	// A reading lies in the horizon of the question asked horizon readings before.
	mlAlarms, mlFalse := c.ml.expire(c.readings, horizon)
	ruleAlarms, ruleFalse := c.rule.expire(c.readings, horizon)
	if mlAlarms+ruleAlarms > 0 {
		h.alarms.AddRatio(c.id, float64(mlFalse), float64(mlAlarms), float64(ruleFalse), float64(ruleAlarms))
	}
	passed := 0
	for passed < len(c.open) && c.readings-c.open[passed].number > horizon {
		h.outcome(ctx, c, &c.open[passed], at, false)
		passed++
	}
	if begins {
		h.failures++
		ml, rule := c.ml.failure(c.readings, horizon, at), c.rule.failure(c.readings, horizon, at)
		h.caught.Add(c.id, float64(flag(ml)), float64(flag(rule)))
		for ; passed < len(c.open); passed++ {
			h.outcome(ctx, c, &c.open[passed], at, true)
		}
	}
	c.open = slices.Delete(c.open, 0, passed)
}

// outcome reports back what became of a question, and scores it where the model answered.
func (h *Healer) outcome(ctx context.Context, c *component, q *question, at time.Time, happened bool) {
	a := &q.advice
	truth := float64(flag(happened))
	// An incident is of its component's own type, by how the sources tell one, and the rule
	// goes by the component's name.
	actual := ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: float32(truth), Type: a.Rule.Failure.Type}}
	if happened {
		actual.Failure.PredictedTime = ipc.Some(uint64(max(at.Sub(q.at), 0)))
	}
	h.advisor.Report(ctx, a, ipc.Subject{Component: c.name}, actual)
	if !a.FromModel {
		return
	}
	ml, rule := float64(a.Model.Failure.Probability), float64(a.Rule.Failure.Probability)
	h.brier.Add(c.id, (ml-truth)*(ml-truth), (rule-truth)*(rule-truth))
	h.areas.Add(c.id, ml, rule, happened)
	if told := a.Model.Failure.PredictedTime; happened && told.Valid && !a.Ruled.Has(ipc.TargetFailureTime) {
		left := at.Sub(q.at).Seconds()
		h.times.Add(c.id, timeError(told, left), timeError(a.Rule.Failure.PredictedTime, left))
	}
}

// timeError is how far the time that was told is from that which was left, in s and as a
// part of it: at most 1, which is also that of none.
func timeError(told ipc.Optional[uint64], left float64) float64 {
	if !told.Valid {
		return 1
	}
	off := math.Abs(float64(told.Value)/1e9 - left)
	if off >= left {
		return 1
	}
	return off / left
}

// Failures is how many failures began so far.
func (h *Healer) Failures() int { return h.failures }

// Comparisons are the model against the rule; full adds the intervals.
func (h *Healer) Comparisons(full bool) []report.Comparison {
	rows := []report.Comparison{
		h.brier.Compare(score.Metric{Subsystem: h.name, Name: "Brier score", Note: "where the model answered"}, full),
	}
	if h.failures == 0 {
		return rows // nothing to catch or to rank
	}
	alarms := h.alarms.Compare(score.Metric{Subsystem: h.name, Name: "false alarms of all", Unit: "%", Scale: 100, Note: "alarms whose horizon is over"}, full)
	ml, rule := h.total(true), h.total(false)
	alarms.N = uint64(ml.right + ml.wrong + rule.right + rule.wrong) // alarms, not moments
	return append(rows,
		h.areas.Compare(score.Metric{
			Subsystem: h.name, Name: "ROC-AUC", HigherIsBetter: true,
			Note: fmt.Sprintf("%s of %s questions were followed by a failure", report.Count(h.areas.Positives()), report.Count(h.areas.N())),
		}, full),
		h.caught.Compare(score.Metric{
			Subsystem: h.name, Name: "failures caught early", Unit: "%", Scale: 100, HigherIsBetter: true,
			Note: "a procedure was started in the horizon before",
		}, full),
		alarms,
		h.times.Compare(score.Metric{
			Subsystem: h.name, Name: "mean relative error of the time to failure", Unit: "%", Scale: 100,
			Note: "where the model told one; at most 100, as of none",
		}, full),
	)
}

// total adds the guards of all components up.
func (h *Healer) total(ml bool) (t guard) {
	for _, c := range h.order {
		g := &c.rule
		if ml {
			g = &c.ml
		}
		t.raised += g.raised
		t.right += g.right
		t.wrong += g.wrong
		t.caught += g.caught
		t.leads = append(t.leads, g.leads...)
		for i, n := range g.runs {
			t.runs[i] += n
		}
	}
	return t
}

// Effects are the totals over the run.
func (h *Healer) Effects() []report.Effect {
	ml, rule := h.total(true), h.total(false)
	row := func(name, unit string, m, r float64) report.Effect {
		return report.Effect{Subsystem: h.name, Name: name, Value: m, Unit: unit, Note: report.RuleAlone(r, unit)}
	}
	out := []report.Effect{
		{Subsystem: h.name, Name: "failures that began", Value: float64(h.failures)},
		row("caught early", "", float64(ml.caught), float64(rule.caught)),
		row("median lead", "s", leadOf(ml.leads), leadOf(rule.leads)),
		row("recovery procedures started", "", float64(ml.raised), float64(rule.raised)),
		row("false alarms", "", float64(ml.wrong), float64(rule.wrong)),
	}
	for i := range procedures {
		if ml.runs[i]+rule.runs[i] > 0 {
			out = append(out, row("ran: "+procedures[i].Name, "", float64(ml.runs[i]), float64(rule.runs[i])))
		}
	}
	return out
}

// leadOf is the median in s; NaN, which is no value, where nothing was caught.
func leadOf(leads []time.Duration) float64 {
	if len(leads) == 0 {
		return math.NaN()
	}
	return median(leads).Seconds()
}
