package main

import (
	"math"
	"slices"

	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// failureAnswers are the answers of one set and part.
type failureAnswers struct {
	b                              batcher[recordings.Question]
	entity                         []int32
	failed                         []bool
	left                           []int
	model, rule                    []float64 // probabilities
	confidence, ruleConfidence     []float64
	sick, falling, recently, flags []float64 // simple guesses: higher is likelier
	told                           []float64 // intervals until the failure, 0 where no time was told
	interval                       float64   // ns
}

// intervals of the sets' samples, in ns.
var intervals = map[string]float64{"lanl": 24 * 3600e9, "oom": 50e6, "smd": 60e9}

func (a *failureAnswers) Entity(string) {}

func (a *failureAnswers) Ask(q *recordings.Question) error { return a.b.ask(q.Request, *q) }

func (a *failureAnswers) take(q recordings.Question, req ipc.Request, p *ipc.Prediction) {
	r := req.(*ipc.FailureRequest)
	var rule ipc.FailurePrediction
	rules.Failure(r, &rule)
	a.entity, a.failed, a.left = append(a.entity, int32(q.Entity)), append(a.failed, q.Failed), append(a.left, q.Left)
	a.model, a.rule = append(a.model, float64(p.Failure.Probability)), append(a.rule, float64(rule.Probability))
	a.confidence = append(a.confidence, float64(p.Failure.Confidence))
	a.ruleConfidence = append(a.ruleConfidence, float64(rule.Confidence))
	a.sick = append(a.sick, 1-float64(r.HealthScore))
	a.falling = append(a.falling, -timeToZero(r))
	a.recently = append(a.recently, -min(q.Since, 1e15))
	set := 0.0
	for _, f := range r.FailureHistory {
		set += float64(f)
	}
	a.flags = append(a.flags, set)
	told := 0.0
	if p.Failure.PredictedTime.Valid {
		told = float64(p.Failure.PredictedTime.Value) / a.interval
	}
	a.told = append(a.told, told)
}

// timeToZero is health divided by its fall over the last five samples.
func timeToZero(r *ipc.FailureRequest) float64 {
	h := r.HistoricalHealth
	k := min(5, len(h)-1)
	if k < 1 {
		return 1e6
	}
	slope := float64(h[len(h)-1]-h[len(h)-1-k]) / float64(k)
	if slope > -1e-6 {
		return 1e6
	}
	return float64(r.HealthScore) / -slope
}

func judgeFailure(e *evaluation) error {
	for i := range recordings.FailureSets {
		set := &recordings.FailureSets[i]
		for _, part := range e.parts {
			if set.Derived {
				continue
			}
			a, err := askFailure(e, set, set.Name, recordings.Options{Data: e.data, Part: part})
			if err != nil {
				return err
			}
			if len(a.model) > 0 {
				a.judge(e, set.Name, part)
			}
		}
		if set.Name != "lanl" || !slices.Contains(e.parts, "test") {
			continue
		}
		// The references of the data were taken so: lanl's target is of these questions.
		a, err := askFailure(e, set, lanlNumbers, recordings.Options{Data: e.data, Part: "test", Numbers: true})
		if err != nil {
			return err
		}
		if len(a.model) > 0 {
			a.rank(e, newSample(a.entity), lanlNumbers, "test")
		}
	}
	return nil
}

// lanlNumbers is LANL asked for every number of a node, there or not.
const lanlNumbers = "lanl_numbers"

func askFailure(e *evaluation, set *recordings.Set, name string, o recordings.Options) (*failureAnswers, error) {
	a := &failureAnswers{interval: intervals[set.Name]}
	a.b = batcher[recordings.Question]{by: e.by, kind: ipc.Failure, take: a.take}
	ok, err := e.read(name, o.Part, func() error { return recordings.ReadFailure(set, o, a) })
	if err == nil && ok {
		err = a.b.flush()
	}
	return a, err
}

// rank judges the order of the answers. It returns the share of failures and the
// simple guesses.
func (a *failureAnswers) rank(e *evaluation, s *sample, set, part string) (base float64, simple []guess) {
	simple = []guess{{"1 - health", a.sick}, {"time since failure", a.recently}, {"flags", a.flags}}
	if set == "oom" {
		simple = []guess{{"1 - health", a.sick}, {"health / slope", a.falling}}
	}
	new := func(metric string, v float64) row { return plain("failure", set, part, metric, v, len(a.model)) }
	e.add(s.compare(new("roc_auc", 0), s.ranking(a.failed, roc), false, a.model, a.rule, simple...))
	e.add(s.compare(new("pr_auc", 0), s.ranking(a.failed, pr), false, a.model, a.rule, simple...))
	failed := make([]float64, len(a.failed))
	for i, f := range a.failed {
		failed[i] = float64(b2i(f))
	}
	share := s.mean(failed)
	base = share(nil)
	e.add(s.bounded(new("base_rate", base), func(_ int, times []float64) float64 { return share(times) }))
	return base, simple
}

func (a *failureAnswers) judge(e *evaluation, set, part string) {
	s := newSample(a.entity)
	new := func(metric string, v float64) row { return plain("failure", set, part, metric, v, len(a.model)) }
	base, simple := a.rank(e, s, set, part)
	squares := func(p func(i int) float64) []float64 {
		out := make([]float64, len(a.failed))
		for i, f := range a.failed {
			d := p(i) - float64(b2i(f))
			out[i] = d * d
		}
		return out
	}
	e.add(s.compare(new("brier", 0), s.mean, true, squares(func(i int) float64 { return a.model[i] }),
		squares(func(i int) float64 { return a.rule[i] }), guess{"base rate", squares(func(int) float64 { return base })}))
	right := func(p []float64) []float64 {
		out := make([]float64, len(p))
		for i, v := range p {
			out[i] = float64(b2i(v >= 0.5 == a.failed[i]))
		}
		return out
	}
	r, _ := s.calibrated(new("ece", 0), a.confidence, right(a.model))
	r.Rule = number(ece(calibration(a.ruleConfidence, right(a.rule))))
	e.add(r.aim())
	truth := make([]float64, len(a.failed))
	for i, f := range a.failed {
		truth[i] = float64(b2i(f))
	}
	r, chances := s.calibrated(new("ece_of_probability", 0), a.model, truth)
	e.add(r)
	e.picture.calibration("failure", set, part, chances)
	e.picture.curves("failure", set, part, a.failed, guess{"model", a.model}, guess{"rule", a.rule}, simple[len(simple)/2])
	a.times(e, new)
	if set == "oom" {
		a.warnings(e, new, simple)
	}
}

// times judges predicted_time where a failure came within the horizon and a time
// was told, against the median of those.
func (a *failureAnswers) times(e *evaluation, new func(string, float64) row) {
	var left, told []float64
	var entity []int32
	for i := range a.left {
		if a.failed[i] && a.told[i] > 0 {
			left, told = append(left, float64(a.left[i])), append(told, a.told[i])
			entity = append(entity, a.entity[i])
		}
	}
	if len(left) == 0 {
		return
	}
	constant := median(left)
	ours, fixed := make([]float64, len(left)), make([]float64, len(left))
	for i, l := range left {
		ours[i], fixed[i] = math.Abs(told[i]-l)/l, math.Abs(constant-l)/l
	}
	r := new("time_median_relative_error", 0)
	r.N = len(ours)
	s := newSample(entity) // others say nothing here
	e.add(s.contest(r, true, s.median(ours), nil, opponent{"constant", s.median(fixed)}))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
