package main

// attackTypes are the product's types of ADFA-LD's kinds.
var attackTypes = [...]uint8{0, 1, 2, 2, 3, 4, 5}

// traceTypes are the types that attacked traces are said to be and are, 0 for none.
type traceTypes struct{ said, are []int }

// typesOfTraces are said by most of a trace's windows, those said to be none aside.
func (a *windowAnswers) typesOfTraces(types []uint8) (out traceTypes) {
	place, votes := map[int32]int{}, [][6]int{}
	for i, t := range a.trace {
		if a.kind[i] == 0 {
			continue
		}
		k, ok := place[t]
		if !ok {
			k = len(votes)
			place[t] = k
			votes = append(votes, [6]int{})
			out.are = append(out.are, int(attackTypes[a.kind[i]]))
		}
		votes[k][types[i]]++
	}
	for _, v := range votes {
		best := 0
		for k := 1; k < len(v); k++ {
			if v[k] > 0 && (best == 0 || v[k] > v[best]) {
				best = k
			}
		}
		out.said = append(out.said, best)
	}
	return out
}

// macroF1 is the mean of F1 over the types, each trace counted so often (nil: once).
func (t *traceTypes) macroF1(times []float64) (f1 float64) {
	var right, said, are [6]float64
	for i, s := range t.said {
		n := 1.0
		if times != nil {
			n = times[i]
		}
		said[s] += n
		are[t.are[i]] += n
		if s == t.are[i] {
			right[s] += n
		}
	}
	for k := 1; k < len(are); k++ {
		if are[k]+said[k] > 0 {
			f1 += 2 * right[k] / (are[k] + said[k])
		}
	}
	return f1 / 5
}
