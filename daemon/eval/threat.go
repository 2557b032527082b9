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
	types                      []uint8
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
	a.types = append(a.types, p.Type)
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
}

func judgeThreat(e *evaluation) error {
	benign, adfa := &recordings.ThreatSets[0], &recordings.ThreatSets[1]
	bound, ruleBound := math.NaN(), math.NaN() // scores that 95 % of val's attacks reach
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
				if math.IsNaN(bound) { // the first part with attacks, which is val
					bound, ruleBound = reached(answers.attack, answers.model), reached(answers.attack, answers.rule)
				}
				answers.judgeAttacks(e, part, bound, ruleBound)
			} else {
				answers.judgeHarmless(e, part, bound, ruleBound)
			}
		}
	}
	return nil
}

// reached is the score that 95 % of the attacks reach, NaN where there is none.
func reached(attack []bool, scores []float64) float64 {
	var s []float64
	for i, v := range scores {
		if attack[i] {
			s = append(s, v)
		}
	}
	if len(s) == 0 {
		return math.NaN()
	}
	slices.Sort(s)
	return s[len(s)/20]
}

func (a *windowAnswers) judgeAttacks(e *evaluation, part string, bound, ruleBound float64) {
	s := newSample(a.trace)
	new := func(metric string, v float64) row { return plain("threat", "adfa", part, metric, v, len(a.model)) }
	few := guess{"few different calls", a.few}
	e.add(s.compare(new("roc_auc", 0), s.ranking(a.attack, roc), false, a.model, a.rule, few))
	e.add(s.compare(new("pr_auc", 0), s.ranking(a.attack, pr), false, a.model, a.rule, few))
	e.add(s.compare(new("fpr95", 0), s.ranking(a.attack, falseAt95), true, a.model, a.rule, few))
	above := func(scores []float64, bound float64, attack bool) float64 {
		var hit, n float64
		for i, v := range scores {
			if a.attack[i] == attack {
				n++
				hit += float64(b2i(v >= bound))
			}
		}
		return hit / n
	}
	for _, m := range []struct {
		metric string
		attack bool
	}{{"flagged_at_vals_bound", false}, {"found_at_vals_bound", true}} {
		if math.IsNaN(bound) {
			break // no attack has set one
		}
		r := new(m.metric, above(a.model, bound, m.attack))
		r.Rule, r.lowIsGood = number(above(a.rule, ruleBound, m.attack)), !m.attack
		e.add(r.aim())
	}
	a.certainty(e, new, "adfa", part)
	if f1, n := a.typeF1(); n > 0 {
		r := new("type_macro_f1", f1)
		r.N = n
		e.add(r.aim())
	}
	e.picture.curves("threat", "adfa", part, a.attack, guess{"model", a.model}, guess{"rule", a.rule}, few)
}

// certainty judges confidence: the chance that the verdict at 0.5 is right.
func (a *windowAnswers) certainty(e *evaluation, new func(string, float64) row, set, part string) {
	right := func(p []float64) []float64 {
		out := make([]float64, len(p))
		for i, v := range p {
			out[i] = float64(b2i(v >= 0.5 == a.attack[i]))
		}
		return out
	}
	bins := calibration(a.confidence, right(a.model))
	r := new("ece", ece(bins))
	r.Rule, r.lowIsGood = number(ece(calibration(a.ruleConfidence, right(a.rule)))), true
	e.add(r)
	e.picture.calibration("threat", set, part, bins)
}

func (a *windowAnswers) judgeHarmless(e *evaluation, part string, bound, ruleBound float64) {
	s := newSample(a.trace)
	new := func(metric string, v float64) row { return plain("threat", "benign", part, metric, v, len(a.model)) }
	flagged := func(scores []float64, bound float64) []float64 {
		out := make([]float64, len(scores))
		for i, v := range scores {
			out[i] = float64(b2i(v >= bound))
		}
		return out
	}
	if !math.IsNaN(bound) {
		e.add(s.compare(new("flagged", 0), s.mean, true, flagged(a.model, bound), flagged(a.rule, ruleBound)))
	}
	e.add(s.compare(new("flagged_at_half", 0), s.mean, true, flagged(a.model, 0.5), flagged(a.rule, 0.5)))
	a.certainty(e, new, "benign", part)
}

// attackTypes are the product's types of ADFA-LD's kinds.
var attackTypes = [...]uint8{0, 1, 2, 2, 3, 4, 5}

// typeF1 is the macro F1 over the types, an attack's being the one most of its
// windows are said to be, those said to be none aside.
func (a *windowAnswers) typeF1() (f1 float64, traces int) {
	votes, truth := map[int32]*[6]int{}, map[int32]uint8{}
	for i, t := range a.trace {
		if a.kind[i] == 0 {
			continue
		}
		if votes[t] == nil {
			votes[t], truth[t] = new([6]int), attackTypes[a.kind[i]]
		}
		votes[t][a.types[i]]++
	}
	var right, said, was [6]float64
	for t, v := range votes {
		best := 0
		for k := 1; k < len(v); k++ {
			if v[k] > 0 && (best == 0 || v[k] > v[best]) {
				best = k
			}
		}
		said[best]++
		was[truth[t]]++
		if uint8(best) == truth[t] {
			right[best]++
		}
	}
	for k := 1; k < len(was); k++ {
		if was[k]+said[k] > 0 {
			f1 += 2 * right[k] / (was[k] + said[k])
		}
	}
	return f1 / 5, len(votes)
}
