package main

import (
	"math"

	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// forecasts are the answers to the full windows of one set and part, as shares.
type forecasts struct {
	entity                                 []int32
	truth, model, rule, last, mean, median []float64
	ruleInShares                           []float64 // of memory
	whole                                  []int     // of memory: the answers to windows in which all was measured
	confidence, ruleConfidence             []float64
	b                                      batcher[recordings.Question]
	signal                                 int
	alone                                  bool
}

func (f *forecasts) Entity(string) {}

func (f *forecasts) Ask(q *recordings.Question) error {
	if len(q.Request.(*ipc.WorkloadRequest).HistoricalCPU) < ipc.MaxWorkloadHistory {
		return nil // the references of the data are of full windows
	}
	return f.b.ask(q.Request, *q)
}

func (f *forecasts) take(q recordings.Question, req ipc.Request, p *ipc.Prediction) {
	var rule ipc.WorkloadPrediction
	rules.Workload(req.(*ipc.WorkloadRequest), &rule)
	value := func(w *ipc.WorkloadPrediction) float64 {
		switch q.Signal {
		case recordings.SignalMemory:
			return float64(w.Memory) / q.Span
		case recordings.SignalGPU:
			return float64(w.GPU.Value)
		}
		return float64(w.CPU)
	}
	f.entity = append(f.entity, int32(q.Entity))
	f.truth, f.last = append(f.truth, q.Next), append(f.last, q.Current)
	f.mean, f.median = append(f.mean, q.Mean), append(f.median, q.Median)
	f.model, f.rule = append(f.model, value(&p.Workload)), append(f.rule, value(&rule))
	if q.Signal == recordings.SignalMemory {
		if q.Whole {
			f.whole = append(f.whole, len(f.truth)-1)
		}
		f.ruleInShares = append(f.ruleInShares, ruleInShares(req.(*ipc.WorkloadRequest), q.Span))
	}
	f.confidence = append(f.confidence, float64(p.Workload.Confidence))
	f.ruleConfidence = append(f.ruleConfidence, float64(rule.Confidence))
}

// ruleInShares is what the rule for shares says of memory as a share of span. On the wire
// memory is bytes, and the rule its last value.
func ruleInShares(r *ipc.WorkloadRequest, span float64) float64 {
	var h [ipc.MaxWorkloadHistory]float32
	for i, v := range r.HistoricalMemory {
		h[i] = float32(float64(v) / span)
	}
	n := len(r.HistoricalMemory)
	return float64(rules.CPU(&ipc.WorkloadRequest{HistoricalCPU: h[:n], CurrentCPU: h[n-1]}))
}

// misses are the absolute errors, in points of 1/100.
func (f *forecasts) misses(guess []float64) []float64 {
	out := make([]float64, len(guess))
	for i, v := range guess {
		out[i] = 100 * math.Abs(v-f.truth[i])
	}
	return out
}

func judgeWorkload(e *evaluation) error {
	type way struct {
		part  string
		alone bool
	}
	all := map[way]won{} // over all sets, an entity's signals each by itself
	for i := range recordings.WorkloadSets {
		set := &recordings.WorkloadSets[i]
		if set.Derived {
			continue
		}
		for _, part := range e.parts {
			for _, alone := range []bool{false, true} {
				w, err := judgeForecasts(e, set, part, alone)
				if err != nil {
					return err
				}
				total := all[way{part, alone}]
				total.add(w)
				all[way{part, alone}] = total
			}
		}
	}
	for _, part := range e.parts {
		for _, alone := range []bool{false, true} {
			if w := all[way{part, alone}]; len(w.rule) > 0 {
				e.add(w.rows(setName("all", alone), part)...)
			}
		}
	}
	return nil
}

// setName is a set's, by how its questions are asked.
func setName(name string, alone bool) string {
	if alone {
		return name + aloneAfter
	}
	return name
}

// judgeForecasts asks with what a client remembers of an agent's past, or alone.
func judgeForecasts(e *evaluation, set *recordings.Set, part string, alone bool) (won, error) {
	name := setName(set.Name, alone)
	f := &forecasts{signal: set.Signal, alone: alone}
	f.b = batcher[recordings.Question]{by: e.by, kind: ipc.Workload, take: f.take}
	ok, err := e.read(name, part, func() error {
		return recordings.ReadWorkload(set, recordings.Options{Data: e.data, Part: part, Alone: alone}, f)
	})
	if err == nil && ok {
		err = f.b.flush()
	}
	if err != nil || len(f.truth) == 0 {
		return won{}, err
	}
	w := f.judge(e, name, part)
	f.judgeInShares(e, name+inShares, part)
	if !alone {
		e.picture.forecast(set.Name, part, f)
	}
	return w, nil
}

func (f *forecasts) judge(e *evaluation, set, part string) won {
	s := newSample(f.entity)
	model, last, rule := f.misses(f.model), f.misses(f.last), f.misses(f.rule)
	new := func(metric string, v float64) row { return plain("workload", set, part, metric, v, len(f.truth)) }
	mae := s.compare(new("mae", 0), s.mean, true, model, rule,
		guess{"persistence", last}, guess{"mean of 10", f.misses(f.mean)}, guess{"median of 10", f.misses(f.median)})
	e.add(mae)
	ours, theirs := s.mean(model), s.mean(last)
	ratio := new("ratio_to_persistence", ours(nil)/theirs(nil))
	ratio.lowIsGood = true
	e.add(s.bounded(ratio, func(_ int, times []float64) float64 { return ours(times) / theirs(times) }).aim())
	w := wins(f.entity, model, last, rule)
	e.add(w.rows(set, part)...)
	if f.signal != recordings.SignalMemory { // confidence is about the cpu error
		right := func(misses []float64) []float64 {
			out := make([]float64, len(misses))
			for i, v := range misses {
				if v <= 5 {
					out[i] = 1
				}
			}
			return out
		}
		r, bins := s.calibrated(new("ece", 0), f.confidence, right(model))
		r.Rule = number(ece(calibration(f.ruleConfidence, right(rule))))
		if f.signal == recordings.SignalCPU {
			e.add(r.aim())
			if !f.alone {
				e.picture.calibration("workload", set, part, bins)
			}
		}
	}
	return w
}

// judgeInShares compares with the rule as the references of the data have it: applied to
// memory in shares, where it is mostly the mean of ten, on windows in which all was measured.
func (f *forecasts) judgeInShares(e *evaluation, set, part string) {
	if len(f.whole) == 0 {
		return
	}
	s := newSample(pick(f.entity, f.whole))
	misses := func(guess []float64) []float64 { return pick(f.misses(guess), f.whole) }
	e.add(s.compare(plain("workload", set, part, "mae", 0, 0), s.mean, true, misses(f.model), misses(f.ruleInShares),
		guess{"persistence", misses(f.last)}, guess{"mean of 10", misses(f.mean)}, guess{"median of 10", misses(f.median)}))
}

func pick[T any](values []T, at []int) []T {
	out := make([]T, len(at))
	for i, k := range at {
		out[i] = values[k]
	}
	return out
}
