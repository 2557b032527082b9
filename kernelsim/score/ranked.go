package score

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// maxRanked bounds the outcomes that a Ranked keeps: later ones are left out.
const maxRanked = 1 << 16

// areaResamples is fewer than for means: each needs two sorts.
const areaResamples = 400

// Ranked holds scores for outcomes that happened or did not, to see how well they
// put the ones before the others. The zero value is empty.
type Ranked struct {
	rows      []scored
	positives int
}

type scored struct {
	agent    uint64
	ml, rule float64
	happened bool
}

// Add notes an outcome of an agent and what both ways had said about it.
func (r *Ranked) Add(agent uint64, ml, rule float64, happened bool) {
	if len(r.rows) == maxRanked {
		return
	}
	r.rows = append(r.rows, scored{agent, ml, rule, happened})
	if happened {
		r.positives++
	}
}

// N is how many outcomes are kept, Positives how many of them happened.
func (r *Ranked) N() uint64         { return uint64(len(r.rows)) }
func (r *Ranked) Positives() uint64 { return uint64(r.positives) }

// Areas gives both areas under the ROC curve; NaN when nothing, or everything,
// happened.
func (r *Ranked) Areas() (ml, rule float64) { return areas(r.rows, nil) }

// areas is the chance that what happened had the higher score, ties counting half
// (Mann and Whitney, Annals of Mathematical Statistics 1947). work is reused.
func areas(rows []scored, work []scored) (ml, rule float64) {
	work = append(work[:0], rows...)
	ml = area(work, func(s scored) float64 { return s.ml })
	rule = area(work, func(s scored) float64 { return s.rule })
	return ml, rule
}

func area(rows []scored, of func(scored) float64) float64 {
	slices.SortFunc(rows, func(a, b scored) int { return cmp.Compare(of(a), of(b)) })
	var ranks float64
	happened := 0
	for i := 0; i < len(rows); {
		j, tied := i, 0
		for ; j < len(rows) && of(rows[j]) == of(rows[i]); j++ {
			if rows[j].happened {
				tied++
			}
		}
		ranks += float64(tied) * (float64(i+j+1) / 2) // the mean rank of the tie, from 1
		happened += tied
		i = j
	}
	p, n := float64(happened), float64(len(rows)-happened)
	if p == 0 || n == 0 {
		return math.NaN()
	}
	return (ranks - p*(p+1)/2) / (p * n)
}

// Difference is the 95 % interval of ml − rule.
func (r *Ranked) Difference() (low, high float64, ok bool) {
	blocks := r.blocks()
	if len(blocks) < minBlocks {
		return 0, 0, false
	}
	rng := rand.New(rand.NewPCG(2, uint64(len(blocks))))
	var sample, work []scored
	diffs := make([]float64, 0, areaResamples)
	for range areaResamples {
		sample = sample[:0]
		for range blocks {
			sample = append(sample, blocks[rng.IntN(len(blocks))]...)
		}
		work = slices.Grow(work[:0], len(sample))
		if ml, rule := areas(sample, work); ml == ml && rule == rule {
			diffs = append(diffs, ml-rule)
		}
	}
	return interval(diffs)
}

// blocks cuts each agent's outcomes into stretches.
func (r *Ranked) blocks() [][]scored {
	byAgent := map[uint64][]scored{}
	var agents []uint64
	for _, s := range r.rows {
		if byAgent[s.agent] == nil {
			agents = append(agents, s.agent)
		}
		byAgent[s.agent] = append(byAgent[s.agent], s)
	}
	var out [][]scored
	for _, agent := range agents {
		for b := range slices.Chunk(byAgent[agent], blockLength) {
			out = append(out, b)
		}
	}
	return out
}
