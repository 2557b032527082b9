package main

import (
	"math"

	"github.com/mlbridge/mlbridge/bench/internal/compare"
)

// What has to change for it to count. Below a few per cent the place where the linker
// puts a function decides as much as what it does.
const (
	confidence  = 0.99
	leastFactor = 0.05 // of time and CPU
	leastAllocs = 0.25 // allocations a call: the servers' counters go in lumps of some hundreds
)

// judgement is what the pairs say about a figure.
type judgement struct {
	old, fresh float64 // medians
	result     compare.Result
}

func (p *pairs) judge(f figure) judgement {
	rule := compare.Rule{Confidence: confidence, Least: math.Log1p(leastFactor)}
	if f == allocs {
		rule.Least = leastAllocs
	}
	return judgement{
		old: compare.Median(p.of(old, f)), fresh: compare.Median(p.of(fresh, f)),
		result: rule.Judge(p.differences(f)),
	}
}

// uncounted says that a side could not tell its allocations.
func (p *pairs) uncounted() bool {
	for _, s := range p.samples {
		if s[old][allocs] < 0 || s[fresh][allocs] < 0 {
			return true
		}
	}
	return false
}
