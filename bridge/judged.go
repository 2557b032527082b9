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
//	failure   by component Brier score (probability − failed)²
//	memory    page         0 for the right page, 1 for another
//
// A failure is judged apart for each type of component, as the rule tells them by name: they
// fail in ways of their own, and a model that knows memory well may know io badly.
//
// (Brier: Verification of forecasts expressed in terms of probability, Monthly Weather
// Review 78, 1950.)
//
// Memory is judged relative to the agent's own because in bytes one large agent's errors
// would be all there is to see; and an error of all that it has had is the worst there is,
// or one agent that grows a thousandfold would be.
var targetNames = [len(ipc.Kinds)][]string{{"cpu", "memory", "gpu"}, {"score"}, {"memory", "cpu", "io", "network", "service", "other"}, {"page"}}

const (
	// maxTargets is how many the kind with the most has.
	maxTargets = 6
	// maxValues is how many of them one question can be about.
	maxValues = 3
)

// targetsOf is how many targets kind k has.
func targetsOf(k ipc.Kind) int { return len(targetNames[k-1]) }

// asked are the targets that an answer to q has.
func asked(q ipc.Request) ipc.Targets {
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		return q.Targets()
	case *ipc.FailureRequest:
		return 1 << rules.FailureType(q.Component)
	}
	return 1
}

// values are the judged parts of a prediction, each the bits of a float32; of memory the
// number of the page in two halves. A workload's are those of its targets.
type values [maxValues]uint32

// valuesOf is how many targets one question of kind k is about, at most.
func valuesOf(k ipc.Kind) int {
	if k == ipc.Workload {
		return maxValues
	}
	return 1
}

// unsaid stands for what a prediction or an outcome has no word on, such as a gpu where
// there is none: a NaN, which no valid one has.
const unsaid = 0x7fc00000

func number(v float32) uint32 { return math.Float32bits(v) }

func (v *values) at(i int) float64 { return float64(math.Float32frombits(v[i])) }

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

// ruleSays gives the judged part of what the rule says, and the first target that it is
// about. It is done for every answer of a model: the parts of a workload's that are not
// judged cost as much as those that are.
func ruleSays(q ipc.Request, unit float32) (v values, first uint8) {
	if w, ok := q.(*ipc.WorkloadRequest); ok {
		return workloadValues(rules.CPU(w), w.CurrentMemory, rules.GPU(w), unit), 0
	}
	var p ipc.Prediction
	rules.Predict(q, &p)
	return judged(&p, unit), firstOf(&p)
}

// firstOf is the first target that an answer of the rule is about.
func firstOf(p *ipc.Prediction) uint8 {
	if p.Kind == ipc.Failure {
		return p.Failure.Type
	}
	return 0
}

// judgeable reports whether all three have a word on the value.
func judgeable(k ipc.Kind, i int, a, b, c *values) bool {
	return k == ipc.Memory || a[i] != unsaid && b[i] != unsaid && c[i] != unsaid
}

func loss(k ipc.Kind, i int, said, actual *values) float64 {
	if k == ipc.Memory {
		if *said == *actual {
			return 0
		}
		return 1
	}
	d := said.at(i) - actual.at(i)
	if k == ipc.Workload {
		return min(math.Abs(d), 1)
	}
	return d * d
}

// apart is the most by which the losses of two answers to the same question can differ,
// whatever the outcome.
func apart(k ipc.Kind, i int, a, b *values) float64 {
	if k == ipc.Memory || k == ipc.Workload {
		return loss(k, i, a, b)
	}
	x, y := a.at(i), b.at(i)
	return math.Abs(x-y) * max(x+y, 2-(x+y)) // |x²-y²| or |(1-x)²-(1-y)²|
}
