package bridge

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// What of a prediction is judged are its targets, each by itself, for a model may be good
// at one and bad at another. Their numbers are places in targetNames and in values, and
// bits of ipc.Targets. The loss of each, smaller is better:
//
//	workload  cpu, gpu     |predicted − actual|, of shares
//	          memory       the same, in shares of the agent's largest recent reading, at most 1
//	threat    score        Brier score (score − attack)²
//	failure   probability  Brier score (probability − failed)²
//	memory    page         0 for the right page, 1 for another
//
// (Brier: Verification of forecasts expressed in terms of probability, Monthly Weather
// Review 78, 1950.)
//
// Memory is judged relative to the agent's own because in bytes one large agent's errors
// would be all there is to see; and an error of all that it has had is the worst there is,
// or one agent that grows a thousandfold would be.
var targetNames = [len(ipc.Kinds)][]string{{"cpu", "memory", "gpu"}, {"score"}, {"probability"}, {"page"}}

// maxTargets is how many the kind with the most has.
const maxTargets = 3

// targetsOf is how many targets kind k has.
func targetsOf(k ipc.Kind) int { return len(targetNames[k-1]) }

// asked are the targets that an answer to q has.
func asked(q ipc.Request) ipc.Targets {
	if w, ok := q.(*ipc.WorkloadRequest); ok {
		return w.Targets()
	}
	return 1
}

// values are the judged parts of a prediction by target, each the bits of a float32; of
// memory the number of the page in two halves.
type values [maxTargets]uint32

// unsaid stands for what a prediction or an outcome has no word on, such as a gpu where
// there is none: a NaN, which no valid one has.
const unsaid = 0x7fc00000

func number(v float32) uint32 { return math.Float32bits(v) }

func (v *values) at(target int) float64 { return float64(math.Float32frombits(v[target])) }

// without takes targets out that nobody measured.
func (v values) without(targets ipc.Targets) values {
	for i := range v {
		if targets&(1<<i) != 0 {
			v[i] = unsaid
		}
	}
	return v
}

// unitOf is what the memory of q's agent is judged in: the bytes of its largest recent
// reading, at least one.
func unitOf(q ipc.Request) float32 {
	w, ok := q.(*ipc.WorkloadRequest)
	if !ok {
		return 1
	}
	most := max(w.CurrentMemory, 1)
	for _, v := range w.HistoricalMemory {
		most = max(most, v)
	}
	return float32(most)
}

// judged gives the judged part of a prediction. Memory is exact to one part in 2^24.
func judged(p *ipc.Prediction, unit float32) values {
	switch p.Kind {
	case ipc.Workload:
		return workloadValues(p.Workload.CPU, p.Workload.Memory, p.Workload.GPU, unit)
	case ipc.Threat:
		return values{number(p.Threat.Score), unsaid, unsaid}
	case ipc.Failure:
		return values{number(p.Failure.Probability), unsaid, unsaid}
	}
	page := p.Memory.NextAddress >> pageShift
	return values{uint32(page), uint32(page >> 32), unsaid}
}

func workloadValues(cpu float32, memory uint64, gpu ipc.Optional[float32], unit float32) values {
	v := values{number(cpu), number(float32(memory) / unit), unsaid}
	if gpu.Valid {
		v[2] = number(gpu.Value)
	}
	return v
}

// ruleSays gives the judged part of what the rule says. It is done for every answer of a
// model: the parts of a workload's that are not judged cost as much as those that are.
func ruleSays(q ipc.Request, unit float32) values {
	if w, ok := q.(*ipc.WorkloadRequest); ok {
		return workloadValues(rules.CPU(w), w.CurrentMemory, rules.GPU(w), unit)
	}
	var p ipc.Prediction
	rules.Predict(q, &p)
	return judged(&p, unit)
}

// judgeable reports whether all three have a word on a target.
func judgeable(k ipc.Kind, target int, a, b, c *values) bool {
	return k == ipc.Memory || a[target] != unsaid && b[target] != unsaid && c[target] != unsaid
}

func loss(k ipc.Kind, target int, said, actual *values) float64 {
	if k == ipc.Memory {
		if *said == *actual {
			return 0
		}
		return 1
	}
	d := said.at(target) - actual.at(target)
	if k == ipc.Workload {
		return min(math.Abs(d), 1)
	}
	return d * d
}

// apart is the most by which the losses of two answers to the same question can differ,
// whatever the outcome.
func apart(k ipc.Kind, target int, a, b *values) float64 {
	if k == ipc.Memory || k == ipc.Workload {
		return loss(k, target, a, b)
	}
	x, y := a.at(target), b.at(target)
	return math.Abs(x-y) * max(x+y, 2-(x+y)) // |x²-y²| or |(1-x)²-(1-y)²|
}
