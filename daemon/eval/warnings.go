package main

import (
	"maps"
	"slices"
)

// leadHorizon is how far before a kill an alarm is taken for a warning of it, in s:
// the longer of the two horizons in the references of the data.
const leadHorizon = 3

// warned says of the kills of runs with at least five samples, one by one, 1 where there was an
// alarm within the horizon, and how many seconds before the kill the first was: of the last
// three seconds, and of those within the horizon.
type warned struct{ reached, first, within []float64 }

// alarms are a score's when 5 % of the samples more than the horizon before a kill, or without
// one, are false alarms; none where nothing could be one.
func (a *failureAnswers) alarms(scores []float64) (out warned) {
	var quiet []float64
	for i, f := range a.failed {
		if !f {
			quiet = append(quiet, scores[i])
		}
	}
	if len(quiet) == 0 {
		return out
	}
	slices.Sort(quiet)
	bound := quiet[int(0.95*float64(len(quiet)-1))]
	type warning struct{ first, within float64 } // s before the kill, 0: none
	warned, last := map[int32]warning{}, map[int32]int{}
	for i, f := range a.failed {
		if a.left[i] == 0 {
			continue
		}
		run, before := a.entity[i], float64(a.left[i])*a.interval/1e9
		last[run] = a.left[i]
		if w := warned[run]; scores[i] > bound {
			if before <= leadHorizon {
				w.first = max(w.first, before)
			}
			if f {
				w.within = max(w.within, before)
			}
			warned[run] = w
		}
	}
	for _, run := range slices.Sorted(maps.Keys(last)) {
		if last[run] <= 2 { // the run was followed to its kill
			w := warned[run]
			out.reached = append(out.reached, float64(b2i(w.within > 0)))
			out.first, out.within = append(out.first, w.first), append(out.within, w.within)
		}
	}
	return out
}

// warnings judges the alarms. Lead is counted as in the references of the data, from the first
// alarm of the last three seconds: one before the horizon is a false sample, and a warning all
// the same. The same within the horizon alone is given beside it.
func (a *failureAnswers) warnings(e *evaluation, new func(string, float64) row, simple []guess) {
	model, rule := a.alarms(a.model), a.alarms(a.rule)
	if len(model.first) == 0 {
		return
	}
	others := make([]warned, len(simple))
	for i, g := range simple {
		others[i] = a.alarms(g.values)
	}
	kills := units(len(model.first))
	medians := func(values []float64) value {
		return func(times []float64) float64 { return drawnMedian(values, times) }
	}
	for _, m := range []struct {
		metric  string
		measure measure
		of      func(warned) []float64
	}{
		{"kills_warned", kills.mean, func(w warned) []float64 { return w.reached }},
		{"median_lead_s", medians, func(w warned) []float64 { return w.first }},
		{"median_lead_within_horizon_s", medians, func(w warned) []float64 { return w.within }},
	} {
		guesses := make([]guess, len(simple))
		for i, g := range simple {
			guesses[i] = guess{g.name, m.of(others[i])}
		}
		e.add(kills.compare(new(m.metric, 0), m.measure, false, m.of(model), m.of(rule), guesses...))
	}
}
