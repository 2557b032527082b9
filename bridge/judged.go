package bridge

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// part is a value of a prediction that is judged by itself, for a model may be good at one
// and bad at another. Its place among a kind's parts is its place in values, but for
// memory's, whose page takes two.
type part struct {
	measure
	at  uint8       // its place in values
	bit ipc.Targets // its own: that of its element in the prediction, as in ruled and unobserved
}

// measure is how a value is judged. The loss of each, smaller is better:
//
//	share     |predicted − actual|, at most 1
//	brier     (probability − happened)²
//	duration  |predicted − actual| / actual, at most 1; "never" is as wrong as can be
//	label     0 for the right one, 1 for another
//	page      the same, of the two halves of its number
//
// (Brier: Verification of forecasts expressed in terms of probability, Monthly Weather
// Review 78, 1950.) The relative error is that of daemon/eval; it is cut off at what "now"
// would have, so that an hour for a minute does not outvote sixty good answers.
type measure uint8

const (
	share measure = iota
	brier
	duration
	label
	page
)

// answer is the bit of the first part of those kinds whose others say more about it: of
// what type, when. Without it they are nothing, so it is the rule's or the model's together
// with them.
const answer ipc.Targets = 1

var parts = [len(ipc.Kinds)][]part{
	{{share, 0, ipc.TargetCPU}, {share, 1, ipc.TargetMemory}, {share, 2, ipc.TargetGPU}},
	{{brier, 0, answer}, {label, 1, ipc.TargetThreatType}},
	{{brier, 0, answer}, {duration, 1, ipc.TargetFailureTime}, {label, 2, ipc.TargetFailureType}},
	{{page, 0, answer}, {label, 2, ipc.TargetAccessType}},
}

func partsOf(k ipc.Kind) []part { return parts[k-1] }

// values are the judged parts of a prediction, each the bits of a float32 or the number of
// a label; of memory the page is the first two. A workload's memory is in shares of the
// agent's largest recent reading: in bytes one large agent's errors would be all there is
// to see, and an error of all that it has had is the worst there is, or one agent that grows
// a thousandfold would be.
type values [3]uint32

const (
	// unsaid stands for what a prediction or an outcome has no word on, such as a gpu where
	// there is none: a NaN, which no valid one has, and no label.
	unsaid = 0x7fc00000
	// likely is the score or probability from which an attack or a failure is told of, and
	// from which one happened.
	likely = 0.5
)

// never is the time of what is not expected.
var never = number(float32(math.Inf(1)))

func number(v float32) uint32 { return math.Float32bits(v) }

func (v *values) at(i uint8) float64 { return float64(math.Float32frombits(v[i])) }

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

// judged gives the judged parts of a model's prediction. Memory is exact to one part in 2^24,
// and so is a time. A type or a time that a model does not name, of an attack or a failure
// that it does not expect, is no word about them: that it came is for the answer to be judged
// by.
func judged(p *ipc.Prediction, unit float32) values {
	switch p.Kind {
	case ipc.Workload:
		return workloadValues(p.Workload.CPU, p.Workload.Memory, p.Workload.GPU, unit)
	case ipc.Threat:
		t := &p.Threat
		v := values{number(t.Score), uint32(t.Type), unsaid}
		if t.Type == ipc.ThreatNone && t.Score < likely {
			v[1] = unsaid
		}
		return v
	case ipc.Failure:
		f := &p.Failure
		v := values{number(f.Probability), unsaid, uint32(f.Type)}
		switch {
		case f.PredictedTime.Valid:
			v[1] = number(float32(f.PredictedTime.Value))
		case f.Probability >= likely:
			v[1] = never
		}
		return v
	}
	number := p.Memory.NextAddress >> pageShift
	return values{uint32(number), uint32(number >> 32), uint32(p.Memory.Type)}
}

func workloadValues(cpu float32, memory uint64, gpu ipc.Optional[float32], unit float32) values {
	v := values{number(cpu), number(float32(memory) / unit), unsaid}
	if gpu.Valid {
		v[2] = number(gpu.Value)
	}
	return v
}

// ruleSays gives the judged parts of what the rule says, which has a word on everything. It
// is done for every answer of a model: the parts of a workload's that are not judged cost as
// much as those that are.
func ruleSays(q ipc.Request, unit float32) values {
	if w, ok := q.(*ipc.WorkloadRequest); ok {
		return workloadValues(rules.CPU(w), w.CurrentMemory, rules.GPU(w), unit)
	}
	var p ipc.Prediction
	rules.Predict(q, &p)
	return ruleValues(q, &p, unit)
}

// ruleValues gives the judged parts of the rule's prediction about q.
func ruleValues(q ipc.Request, p *ipc.Prediction, unit float32) values {
	v := judged(p, unit)
	switch q := q.(type) {
	case *ipc.ThreatRequest:
		v[1] = uint32(rules.ThreatType(&q.Metrics)) // whatever its score: which type it would be
	case *ipc.FailureRequest:
		if !p.Failure.PredictedTime.Valid {
			v[1] = never
		}
	}
	return v
}

// happened gives the judged parts of an outcome. There is a type and a time of what happened
// alone.
func happened(o *ipc.Outcome, unit float32) values {
	v := judged(&o.Actual, unit)
	switch p := &o.Actual; {
	case p.Kind == ipc.Threat && (p.Threat.Score < likely || p.Threat.Type == ipc.ThreatNone):
		v[1] = unsaid
	case p.Kind == ipc.Failure && p.Failure.Probability < likely:
		v[1], v[2] = unsaid, unsaid
	case p.Kind == ipc.Failure && !p.Failure.PredictedTime.Valid:
		v[1] = unsaid
	}
	for _, part := range partsOf(o.Actual.Kind) {
		if o.Unobserved&part.bit != 0 && part.measure != page {
			v[part.at] = unsaid
		}
	}
	return v
}

// judgeable reports whether all three have a word on the value.
func (m part) judgeable(a, b, c *values) bool {
	return m.measure == page || a[m.at] != unsaid && b[m.at] != unsaid && c[m.at] != unsaid
}

func (m part) loss(said, actual *values) float64 {
	switch m.measure {
	case share:
		return min(math.Abs(said.at(m.at)-actual.at(m.at)), 1)
	case brier:
		d := said.at(m.at) - actual.at(m.at)
		return d * d
	case duration:
		s, a := said.at(m.at), actual.at(m.at)
		if s == a {
			return 0 // of nothing, too
		}
		return min(math.Abs(s-a)/a, 1)
	case page:
		return differ(said[m.at] != actual[m.at] || said[m.at+1] != actual[m.at+1])
	}
	return differ(said[m.at] != actual[m.at])
}

func differ(other bool) float64 {
	if other {
		return 1
	}
	return 0
}

// apart is the most by which the losses of two answers to the same question can differ,
// whatever the outcome.
func (m part) apart(a, b *values) float64 {
	x, y := a.at(m.at), b.at(m.at)
	switch m.measure {
	case brier:
		return math.Abs(x-y) * max(x+y, 2-(x+y)) // |x²-y²| or |(1-x)²-(1-y)²|
	case duration:
		switch {
		case x == y:
			return 0
		case math.IsInf(max(x, y), 1):
			return 1
		}
		return min(2*math.Abs(x-y)/max(x, y), 1) // at half the larger, or below at the smaller
	}
	return m.loss(a, b)
}
