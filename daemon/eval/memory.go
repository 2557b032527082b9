package main

import (
	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// fault is one page fault and what was answered before it.
type fault struct {
	next    uint64
	segment int
	pages   [1 + ipc.MaxMore]uint64 // proposed, best first
	chances [1 + ipc.MaxMore]float32
	n       int
}

// pageAnswers are the answers of one part.
type pageAnswers struct {
	b                             batcher[recordings.Question]
	entity                        []int32
	programs                      []string
	model, rule, next, step, most []float64 // 1 where the page was right
	chance, ruleChance            []float64
	faults, ruled                 []fault
}

func (a *pageAnswers) Entity(name string) { a.programs = append(a.programs, name) }

func (a *pageAnswers) Ask(q *recordings.Question) error { return a.b.ask(q.Request, *q) }

func (a *pageAnswers) take(q recordings.Question, req ipc.Request, p *ipc.Prediction) {
	r, m := req.(*ipc.MemoryRequest), &p.Memory
	var rule ipc.MemoryPrediction
	rules.Memory(r, &rule)
	n := len(r.AccessHistory)
	hit := func(address uint64) float64 {
		if address == q.NextAddress {
			return 1
		}
		return 0
	}
	const page = 4096
	a.entity = append(a.entity, int32(q.Entity))
	a.model, a.chance = append(a.model, hit(m.NextAddress)), append(a.chance, float64(m.Probability))
	a.rule, a.ruleChance = append(a.rule, hit(rule.NextAddress)), append(a.ruleChance, float64(rule.Probability))
	a.next = append(a.next, hit(r.CurrentAddress+page))
	a.step = append(a.step, hit(r.CurrentAddress+r.CurrentAddress-r.AccessHistory[n-2]))
	a.most = append(a.most, hit(r.CurrentAddress+recordings.MajorityStep(r.AccessHistory)))

	f := fault{next: q.NextAddress, segment: q.Segment, n: 1 + m.MoreLen}
	f.pages[0], f.chances[0] = m.NextAddress, m.Probability
	for i, c := range m.More[:m.MoreLen] {
		f.pages[1+i], f.chances[1+i] = c.Address, c.Probability
	}
	a.faults = append(a.faults, f)
	g := fault{next: q.NextAddress, segment: q.Segment}
	if rule.NextAddress != r.CurrentAddress { // else it proposes nothing to fetch
		g.pages[0], g.chances[0], g.n = rule.NextAddress, 1, 1
	}
	a.ruled = append(a.ruled, g)
}

func judgeMemory(e *evaluation) error {
	for _, way := range []string{"alone", "tables"} {
		var bounds *fetchBounds
		for _, part := range e.parts {
			a := &pageAnswers{}
			a.b = batcher[recordings.Question]{by: e.by, kind: ipc.Memory, take: a.take}
			ok, err := e.read(way, part, func() error {
				return recordings.ReadMemory(recordings.Options{Data: e.data, Part: part, Stride: 1, Tables: way == "tables"}, a)
			})
			if err == nil && ok {
				err = a.b.flush()
			}
			if err != nil {
				return err
			}
			if len(a.model) == 0 {
				continue
			}
			if bounds == nil { // chosen on the first part, which is val
				bounds = a.chooseBounds()
			}
			a.judge(e, way, part, bounds)
		}
	}
	return nil
}

func (a *pageAnswers) judge(e *evaluation, way, part string, bounds *fetchBounds) {
	s := newSample(a.entity)
	new := func(metric string, v float64) row { return plain("memory", way, part, metric, v, len(a.model)) }
	e.add(s.compare(new("top1", 0), s.mean, false, a.model, a.rule,
		guess{"next page", a.next}, guess{"last step", a.step}, guess{"majority step", a.most}))
	bins := calibration(a.chance, a.model)
	r := new("ece", ece(bins))
	r.Rule, r.lowIsGood = number(ece(calibration(a.ruleChance, a.rule))), true
	e.add(r.aim())
	coverage, accuracy := prefetch(a.faults, bounds)
	ruleCoverage, ruleAccuracy := prefetch(a.ruled, &fetchBounds{})
	c, d := new("prefetch_coverage", coverage), new("prefetch_accuracy", accuracy)
	c.Rule, d.Rule = number(ruleCoverage), number(ruleAccuracy)
	e.add(c.aim(), d.aim())
	e.picture.calibration("memory", way, part, bins)
	var names []string
	var model, rule []float64
	for i, name := range a.programs {
		var hits, ruled, n float64
		for k, p := range a.entity {
			if int(p) == i {
				hits, ruled, n = hits+a.model[k], ruled+a.rule[k], n+1
			}
		}
		names, model, rule = append(names, name), append(model, hits/n), append(rule, ruled/n)
		v := plain("memory", way+":"+name, part, "top1", hits/n, int(n))
		v.Rule = number(ruled / n)
		e.add(v)
	}
	e.picture.bars("memory", way, part, names, model, rule)
}

// How far prefetching looks: a fault is covered by a page issued within the last
// 32 faults, an issued page is useful when it faults within the next 64.
const (
	coveredWithin = 32
	usefulWithin  = 64
)

// fetchBounds are the chances from which pages are fetched: the answer's, which is of
// being the next, and the further pages', which is of coming soon.
type fetchBounds struct{ next, more float32 }

func (b *fetchBounds) reached(place int, chance float32) bool {
	if place == 0 {
		return chance >= b.next
	}
	return chance >= b.more
}

// prefetch issues every proposed page that reaches its bound and is not under way
// already, and gives the shares of faults covered and of issues useful.
func prefetch(faults []fault, bounds *fetchBounds) (coverage, accuracy float64) {
	issued := map[uint64]int{} // page → the fault before which it was last issued
	due := map[uint64][]int{}  // page → issues that wait for their fault
	segment, covered, useful, issues := -1, 0, 0, 0
	for i := range faults {
		f := &faults[i]
		if f.segment != segment {
			segment = f.segment
			clear(issued)
			clear(due)
		}
		for k := range f.n {
			page := f.pages[k] >> 12
			if !bounds.reached(k, f.chances[k]) {
				continue
			}
			if at, ok := issued[page]; ok && i-at < coveredWithin {
				continue
			}
			issued[page] = i
			due[page] = append(due[page], i)
			issues++
		}
		page := f.next >> 12
		if at, ok := issued[page]; ok && i-at < coveredWithin {
			covered++
		}
		for _, at := range due[page] {
			if i-at < usefulWithin {
				useful++
			}
		}
		delete(due, page)
	}
	return float64(covered) / float64(len(faults)), float64(useful) / float64(max(1, issues))
}

// wantedAccuracy is what the bounds for prefetching are chosen for.
const wantedAccuracy = 0.70

// chooseBounds gives the bounds that cover most at that accuracy. The lower one of them
// is, the higher must the other be, so one walk along the border finds them.
func (a *pageAnswers) chooseBounds() *fetchBounds {
	const lowest, highest, step = 0.005, 0.98, 0.85
	best, covered := &fetchBounds{highest, highest}, 0.0
	next := float32(lowest)
	for more := float32(highest); more > lowest; more *= step {
		for ; next < highest; next /= step {
			coverage, accuracy := prefetch(a.faults, &fetchBounds{next, more})
			if accuracy < wantedAccuracy {
				continue
			}
			if coverage > covered {
				best, covered = &fetchBounds{next, more}, coverage
			}
			break
		}
	}
	return best
}
