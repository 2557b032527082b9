package main

// won says of each entity (machine, pod, program) whether a model errs less for it, all its
// questions taken together, than the last value does and than the rule. A tie is not won.
type won struct{ lastValue, rule []float64 } // 1 or 0

// wins tells it of the questions' entities.
func wins(entity []int32, model, last, rule []float64) (w won) {
	place := map[int32]int{}
	var overLast, overRule []float64
	for i, e := range entity {
		k, ok := place[e]
		if !ok {
			k = len(place)
			place[e] = k
			overLast, overRule = append(overLast, 0), append(overRule, 0)
		}
		overLast[k] += last[i] - model[i]
		overRule[k] += rule[i] - model[i]
	}
	for k := range overLast {
		w.lastValue = append(w.lastValue, float64(b2i(overLast[k] > 0)))
		w.rule = append(w.rule, float64(b2i(overRule[k] > 0)))
	}
	return w
}

func (w *won) add(o won) {
	w.lastValue, w.rule = append(w.lastValue, o.lastValue...), append(w.rule, o.rule...)
}

// rows are the shares that were won, with intervals by entity, however few there are.
func (w won) rows(set, part string) []row {
	s := units(len(w.rule))
	share := func(metric string, won []float64) row {
		mean := s.mean(won)
		r := plain("workload", set, part, metric, mean(nil), len(won))
		return s.bounded(r, func(_ int, times []float64) float64 { return mean(times) }).aim()
	}
	return []row{share("entities_better_than_persistence", w.lastValue), share("entities_better_than_rule", w.rule)}
}
