package score

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// Bounds of the bootstrap.
const (
	blockLength = 20      // consecutive outcomes of an agent in a block
	minBlocks   = 8       // fewer give no interval, nor does a ratio of less than as many
	maxBlocks   = 1 << 15 // then blocks are joined in pairs; memory stays bounded
	resamples   = 1000
)

// Paired is a ratio for the model's way and one for the rule's, over the same
// outcomes. A mean is a ratio over the number of outcomes. The zero value is empty.
type Paired struct {
	// Block is how many consecutive outcomes of an agent are resampled together;
	// 0 is blockLength. Outcomes that have nothing to do with each other need 1.
	Block  int
	total  block
	closed []block
	open   map[uint64]*block
}

// block sums up consecutive outcomes of one agent.
type block struct {
	n                          int
	ml, mlOver, rule, ruleOver float64
}

func (b *block) add(o block) {
	b.n += o.n
	b.ml += o.ml
	b.mlOver += o.mlOver
	b.rule += o.rule
	b.ruleOver += o.ruleOver
}

// Add notes an outcome of an agent: how the model's way and the rule's did.
func (p *Paired) Add(agent uint64, ml, rule float64) { p.AddRatio(agent, ml, 1, rule, 1) }

// AddRatio notes an outcome whose weights differ, such as pages used of pages issued.
func (p *Paired) AddRatio(agent uint64, ml, mlOver, rule, ruleOver float64) {
	one := block{1, ml, mlOver, rule, ruleOver}
	p.total.add(one)
	if p.open == nil {
		p.open = make(map[uint64]*block)
	}
	b := p.open[agent]
	if b == nil {
		b = new(block)
		p.open[agent] = b
	}
	length := p.Block
	if length == 0 {
		length = blockLength
	}
	if b.add(one); b.n < length {
		return
	}
	p.closed = append(p.closed, *b)
	delete(p.open, agent)
	if len(p.closed) >= maxBlocks {
		p.join()
	}
}

// join halves the number of blocks.
func (p *Paired) join() {
	half := p.closed[:0]
	for i := 0; i+1 < len(p.closed); i += 2 {
		b := p.closed[i]
		b.add(p.closed[i+1])
		half = append(half, b)
	}
	p.closed = half
}

// N is how many outcomes there were.
func (p *Paired) N() uint64 { return uint64(p.total.n) }

// Values gives both ratios; NaN where nothing was divided by.
func (p *Paired) Values() (ml, rule float64) { return p.total.ratios() }

func (b *block) ratios() (ml, rule float64) { return b.ml / b.mlOver, b.rule / b.ruleOver }

// Sums gives both numerators: totals, where the values are means.
func (p *Paired) Sums() (ml, rule float64) { return p.total.ml, p.total.rule }

// Difference is the 95 % interval of ml − rule; ok is false with too few outcomes
// for one, or too little that one of the ratios divides by.
func (p *Paired) Difference() (low, high float64, ok bool) {
	blocks := slices.Clone(p.closed)
	for _, b := range p.open {
		blocks = append(blocks, *b)
	}
	if len(blocks) < minBlocks || min(p.total.mlOver, p.total.ruleOver) < minBlocks {
		return 0, 0, false
	}
	// The open blocks come from a map: order them, or the same outcomes would give
	// different intervals.
	slices.SortFunc(blocks[len(p.closed):], compareBlocks)
	rng := rand.New(rand.NewPCG(1, uint64(len(blocks))))
	diffs := make([]float64, 0, resamples)
	for range resamples {
		var sum block
		for range blocks {
			sum.add(blocks[rng.IntN(len(blocks))])
		}
		if ml, rule := sum.ratios(); ml == ml && rule == rule { // neither is NaN
			diffs = append(diffs, ml-rule)
		}
	}
	return interval(diffs)
}

// compareBlocks takes everything into account: blocks that it calls equal are.
func compareBlocks(a, b block) int {
	return cmp.Or(
		cmp.Compare(a.n, b.n), cmp.Compare(a.ml, b.ml), cmp.Compare(a.rule, b.rule),
		cmp.Compare(a.mlOver, b.mlOver), cmp.Compare(a.ruleOver, b.ruleOver),
	)
}

// interval cuts 2.5 % off either end of the resampled differences.
func interval(diffs []float64) (low, high float64, ok bool) {
	if len(diffs) < resamples/4 {
		return 0, 0, false
	}
	slices.Sort(diffs)
	cut := len(diffs) / 40
	return diffs[cut], diffs[len(diffs)-1-cut], true
}
