package main

import (
	"math"
	"slices"

	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// windowAnswers are the answers about the windows of all traces of a part, trace
// by trace.
type windowAnswers struct {
	trace                      []int32
	kind                       []int // of the window's trace
	attack                     []bool
	model, rule                []float64
	confidence, ruleConfidence []float64
	few                        []float64 // simple guess: few different calls
	types, ruleTypes           []uint8
}

// watched is a trace that is being asked about, window after window: each request
// holds the scores of the answers before, the model's and the rule's own.
type watched struct {
	recordings.Trace
	windows       []recordings.Window
	scores, ruled []float32
	answers       windowAnswers
}

func (w *watched) ask() *ipc.ThreatRequest {
	q := w.windows[len(w.answers.model)].Request(syscalls.Ordinary())
	q.HistoricalThreats = w.scores[max(0, len(w.scores)-ipc.MaxThreatHistory):]
	return q
}

func (w *watched) take(i int, q *ipc.ThreatRequest, p *ipc.ThreatPrediction) {
	asked := *q
	asked.HistoricalThreats = w.ruled[max(0, len(w.ruled)-ipc.MaxThreatHistory):]
	var rule ipc.ThreatPrediction
	rules.Threat(&asked, &rule)
	w.scores, w.ruled = append(w.scores, p.Score), append(w.ruled, rule.Score)
	a := &w.answers
	a.trace, a.kind, a.attack = append(a.trace, int32(i)), append(a.kind, w.Kind), append(a.attack, w.Kind > 0)
	a.model, a.rule = append(a.model, float64(p.Score)), append(a.rule, float64(rule.Score))
	a.confidence = append(a.confidence, float64(p.Confidence))
	a.ruleConfidence = append(a.ruleConfidence, float64(rule.Confidence))
	a.few = append(a.few, -float64(distinct(w.windows[len(a.few)].Calls)))
	a.types, a.ruleTypes = append(a.types, p.Type), append(a.ruleTypes, rule.Type)
}

func distinct(calls []syscalls.Group) int {
	s := slices.Clone(calls)
	slices.Sort(s)
	return len(slices.Compact(s))
}

// askTraces asks about all traces, the n-th windows of all together.
func (e *evaluation) askTraces(traces []recordings.Trace) (*windowAnswers, error) {
	all := make([]*watched, len(traces))
	for i, t := range traces {
		all[i] = &watched{Trace: t, windows: recordings.Windows(t.Calls)}
	}
	b := batcher[int]{by: e.by, kind: ipc.Threat, take: func(i int, q ipc.Request, p *ipc.Prediction) {
		all[i].take(i, q.(*ipc.ThreatRequest), &p.Threat)
	}}
	for n, more := 0, true; more; n++ {
		more = false
		for i, w := range all {
			if n < len(w.windows) {
				more = true
				if err := b.ask(w.ask(), i); err != nil {
					return nil, err
				}
			}
		}
		if err := b.flush(); err != nil {
			return nil, err
		}
	}
	var out windowAnswers
	for _, w := range all {
		out.append(&w.answers)
	}
	return &out, nil
}

func (a *windowAnswers) append(b *windowAnswers) {
	a.trace, a.kind, a.attack = append(a.trace, b.trace...), append(a.kind, b.kind...), append(a.attack, b.attack...)
	a.model, a.rule = append(a.model, b.model...), append(a.rule, b.rule...)
	a.confidence, a.ruleConfidence = append(a.confidence, b.confidence...), append(a.ruleConfidence, b.ruleConfidence...)
	a.few, a.types = append(a.few, b.few...), append(a.types, b.types...)
	a.ruleTypes = append(a.ruleTypes, b.ruleTypes...)
}

func judgeThreat(e *evaluation) error {
	benign, adfa := &recordings.ThreatSets[0], &recordings.ThreatSets[1]
	var bound *reach        // of val's attacks
	ruleBound := math.NaN() // the rule's
	for _, part := range e.parts {
		for _, set := range []*recordings.Set{adfa, benign} {
			var answers *windowAnswers
			ok, err := e.read(set.Name, part, func() (err error) {
				traces, err := recordings.ReadTraces(set, e.data, part)
				if err == nil {
					answers, err = e.askTraces(traces)
				}
				return err
			})
			if err != nil {
				return err
			}
			if !ok || len(answers.model) == 0 {
				continue
			}
			if set == adfa {
				if bound == nil { // the first part with attacks, which is val
					if bound = reached(answers, answers.model); bound != nil {
						ruleBound = reached(answers, answers.rule).score(nil)
					}
				}
				answers.judgeAttacks(e, part, bound, ruleBound)
			} else {
				answers.judgeHarmless(e, part, bound, ruleBound)
			}
		}
	}
	return nil
}

func (a *windowAnswers) judgeAttacks(e *evaluation, part string, bound *reach, ruleBound float64) {
	s := newSample(a.trace)
	new := func(metric string, v float64) row { return plain("threat", "adfa", part, metric, v, len(a.model)) }
	few := guess{"few different calls", a.few}
	e.add(s.compare(new("roc_auc", 0), s.ranking(a.attack, roc), false, a.model, a.rule, few))
	e.add(s.compare(new("pr_auc", 0), s.ranking(a.attack, pr), false, a.model, a.rule, few))
	e.add(s.compare(new("fpr95", 0), s.ranking(a.attack, falseAt95), true, a.model, a.rule, few))
	if bound != nil {
		a.judgeBound(e, new, bound, ruleBound)
	}
	a.certainty(e, s, new, "adfa", part)
	if t, rule := a.typesOfTraces(a.types), a.typesOfTraces(a.ruleTypes); len(t.said) > 0 {
		r := new("type_macro_f1", 0)
		r.N = len(t.said)
		e.add(units(r.N).contest(r, false, t.macroF1, rule.macroF1))
	}
	e.picture.curves("threat", "adfa", part, a.attack, guess{"model", a.model}, guess{"rule", a.rule}, few)
}

// certainty judges confidence: the chance that the verdict at 0.5 is right.
func (a *windowAnswers) certainty(e *evaluation, s *sample, new func(string, float64) row, set, part string) {
	right := func(p []float64) []float64 {
		out := make([]float64, len(p))
		for i, v := range p {
			out[i] = float64(b2i(v >= 0.5 == a.attack[i]))
		}
		return out
	}
	r, bins := s.calibrated(new("ece", 0), a.confidence, right(a.model))
	r.Rule = number(ece(calibration(a.ruleConfidence, right(a.rule))))
	e.add(r.aim())
	e.picture.calibration("threat", set, part, bins)
}

func (a *windowAnswers) judgeHarmless(e *evaluation, part string, bound *reach, ruleBound float64) {
	s := newSample(a.trace)
	new := func(metric string, v float64) row { return plain("threat", "benign", part, metric, v, len(a.model)) }
	flagged := func(scores []float64, bound float64) []float64 {
		out := make([]float64, len(scores))
		for i, v := range scores {
			out[i] = float64(b2i(v >= bound))
		}
		return out
	}
	if bound != nil {
		e.add(s.compare(new("flagged", 0), s.mean, true, flagged(a.model, bound.score(nil)), flagged(a.rule, ruleBound)))
	}
	e.add(s.compare(new("flagged_at_half", 0), s.mean, true, flagged(a.model, 0.5), flagged(a.rule, 0.5)))
	a.certainty(e, s, new, "benign", part)
}
