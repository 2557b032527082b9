package main

import (
	"fmt"
	"math"
	"os"

	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// fault is one page fault and what was answered before it.
type fault struct {
	next    uint64
	segment int
	group   int32                   // of the bootstrap
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
	faults, ruled                 []fault // of the model and the rule
	simple                        [len(prefetchers)][]fault
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
	for i, p := range prefetchers {
		g.steps(r.CurrentAddress, p.step(r), p.pages)
		a.simple[i] = append(a.simple[i], g)
	}
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
				fmt.Fprintf(os.Stderr, "eval: %s: fetched from %.3f, further pages from %.2f\n", way, bounds.next, bounds.more)
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
	r, bins := s.calibrated(new("ece", 0), a.chance, a.model)
	r.Rule = number(ece(calibration(a.ruleChance, a.rule)))
	e.add(r.aim())
	for _, list := range append([][]fault{a.faults, a.ruled}, a.simple[:]...) {
		for i := range list {
			list[i].group = s.group[i]
		}
	}
	e.add(a.fetching(s, new, "", bounds, math.MaxInt)...)
	e.add(a.fetching(s, new, "_opening", bounds, openingFaults)...)
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
