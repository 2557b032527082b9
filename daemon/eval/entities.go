package main

// won counts the entities (machines, pods, programs) that a model errs less for, all their
// questions taken together, than the last value does and than the rule. A tie is not won.
type won struct{ lastValue, rule, of int }

// wins counts those of the questions' entities.
func wins(entity []int32, model, last, rule []float64) won {
	type advantage struct{ lastValue, rule float64 }
	sums := map[int32]advantage{}
	for i, e := range entity {
		a := sums[e]
		a.lastValue += last[i] - model[i]
		a.rule += rule[i] - model[i]
		sums[e] = a
	}
	w := won{of: len(sums)}
	for _, a := range sums {
		if a.lastValue > 0 {
			w.lastValue++
		}
		if a.rule > 0 {
			w.rule++
		}
	}
	return w
}

func (w *won) add(o won) {
	w.lastValue += o.lastValue
	w.rule += o.rule
	w.of += o.of
}

// rows are the shares that were won; n is what they were counted of.
func (w won) rows(set, part string, n int) []row {
	new := func(metric string, won int) row {
		return plain("workload", set, part, metric, float64(won)/float64(w.of), n).aim()
	}
	return []row{new("entities_better_than_persistence", w.lastValue), new("entities_better_than_rule", w.rule)}
}
