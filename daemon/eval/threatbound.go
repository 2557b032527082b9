package main

import (
	"cmp"
	"math"
	"slices"
)

// reach is the score that 95 % of a part's attacks reach.
type reach struct {
	*sample           // of its attacks, by trace
	scores  []float64 // lowest first
}

// reached looks at the attacks' scores; nil where there is none.
func reached(a *windowAnswers, scores []float64) *reach {
	var attacks []int
	for i, attack := range a.attack {
		if attack {
			attacks = append(attacks, i)
		}
	}
	if len(attacks) == 0 {
		return nil
	}
	r := &reach{sample: newSample(pick(a.trace, attacks)), scores: pick(scores, attacks)}
	order := make([]int, len(attacks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.scores[a], r.scores[b]) })
	r.scores, r.group = pick(r.scores, order), pick(r.group, order)
	return r
}

// score is that of the attacks, each group taken so often (nil: once).
func (r *reach) score(times []float64) float64 {
	weight := func(i int) float64 {
		if times == nil {
			return 1
		}
		return times[r.group[i]]
	}
	var all, below float64
	for i := range r.scores {
		all += weight(i)
	}
	for i, v := range r.scores {
		if below += weight(i); below > all/20 {
			return v
		}
	}
	return math.NaN()
}

// drawn is the score, round by round.
func (r *reach) drawn() (scores [rounds]float64) {
	for i, times := range draws(r.groups) {
		scores[i] = r.score(times)
	}
	return scores
}

// judgeBound counts what is above the score that val's attacks set. It was set by few traces, so
// its interval is of draws of them, too.
func (a *windowAnswers) judgeBound(e *evaluation, new func(string, float64) row, bound *reach, ruleBound float64) {
	drawn := bound.drawn()
	for _, m := range []struct {
		metric string
		attack bool
	}{{"flagged_at_vals_bound", false}, {"found_at_vals_bound", true}} {
		var at []int
		for i, attack := range a.attack {
			if attack == m.attack {
				at = append(at, i)
			}
		}
		if len(at) == 0 {
			continue
		}
		s, model := newSample(pick(a.trace, at)), pick(a.model, at)
		above := func(scores []float64, bound float64, times []float64) float64 {
			var hit, n float64
			for i, v := range scores {
				t := 1.0
				if times != nil {
					t = times[s.group[i]]
				}
				n += t
				hit += t * float64(b2i(v >= bound))
			}
			return hit / n
		}
		r := new(m.metric, above(model, bound.score(nil), nil))
		r.Rule, r.lowIsGood = number(above(pick(a.rule, at), ruleBound, nil)), !m.attack
		e.add(s.bounded(r, func(round int, times []float64) float64 { return above(model, drawn[round], times) }).aim())
	}
}
