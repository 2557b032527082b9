package ipc

import (
	"math"
	"time"

	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// Reply is the answer to one Request: a prediction with its provenance, or a
// status that says why there is none.
type Reply struct {
	Status Status
	Error  string // for people, when Status is not StatusOK
	// PredictionID is what an Outcome is reported under. It is unique per bridge, and fresh for
	// every delivery of the bridge's; what mlclient's cache gives again to the same question, as
	// it is or stale, has the id that it came with. 0 is a rule answered in the client, or its
	// stale answer to another question. One outcome an id counts.
	PredictionID uint64
	Source       Source
	Reason       Reason        // why the answer is not fresh from the model
	Age          time.Duration // since the model or rule computed it, ≥ 0
	Model        string        // "name@version" of the model (or rule), ≤ 64 bytes
	// Ruled are the values that are the rule's though the answer comes from a model
	// (whatever its Source): for these the model is demoted. Ruled.Names(Kind) gives them
	// by name; printed by itself it is a number, the sum of their bits.
	Ruled Targets

	Prediction
}

// Refusal is the reply to a request that is not asked for what err says of it: its status
// and text where it is a *StatusError, as Validate's are, else invalid argument.
func Refusal(err error) Reply {
	if e, ok := err.(*StatusError); ok {
		return Reply{Status: e.Status, Error: e.Text}
	}
	return Reply{Status: StatusInvalidArgument, Error: err.Error()}
}

// Prediction holds the prediction of the kind that was asked; the other three are
// zero. It is one flat value, so an answer can be copied and cached without a
// pointer.
type Prediction struct {
	Kind     Kind
	Workload WorkloadPrediction
	Threat   ThreatPrediction
	Failure  FailurePrediction
	Memory   MemoryPrediction
}

// Confidence gives the confidence of the prediction, in [0, 1].
func (p *Prediction) Confidence() float32 {
	switch p.Kind {
	case Workload:
		return p.Workload.Confidence
	case Threat:
		return p.Threat.Confidence
	case Failure:
		return p.Failure.Confidence
	case Memory:
		return p.Memory.Confidence
	}
	return 0
}

// Validate reports the first field outside its range as a *StatusError.
func (p *Prediction) Validate() error {
	switch p.Kind {
	case Workload:
		return p.Workload.Validate()
	case Threat:
		return p.Threat.Validate()
	case Failure:
		return p.Failure.Validate()
	case Memory:
		return p.Memory.Validate()
	}
	return invalidf("prediction of unknown kind %d", uint8(p.Kind))
}

// AppendPrediction appends the wire array of the kind's prediction (PROTOCOL.md,
// "Predictions") to b.
func AppendPrediction(b []byte, p *Prediction) []byte {
	switch p.Kind {
	case Workload:
		return p.Workload.append(b)
	case Threat:
		return p.Threat.append(b)
	case Failure:
		return p.Failure.append(b)
	case Memory:
		return p.Memory.append(b)
	}
	return appendNil(b)
}

// ParsePrediction reads the prediction array of kind k from the front of b and
// returns the bytes behind it. Errors are as for ParseRequest.
func ParsePrediction(b []byte, k Kind, p *Prediction) (rest []byte, err error) {
	r := reader{b: b}
	p.parse(&r, k)
	if r.err != nil {
		return nil, r.err
	}
	return b[r.off:], p.Validate()
}

func (p *Prediction) parse(r *reader, k Kind) {
	*p = Prediction{Kind: k}
	switch k {
	case Workload:
		p.Workload.parse(r)
	case Threat:
		p.Threat.parse(r)
	case Failure:
		p.Failure.parse(r)
	case Memory:
		p.Memory.parse(r)
	default:
		r.fail(FaultRange, "kind: %d is none", k)
	}
}

// appendReplyHead starts a reply message of n slots; appendReplySlot adds each.
func appendReplyHead(b []byte, id uint64, n int) []byte {
	b = appendArray(b, 3)
	b = appendUint(b, uint64(msgReply))
	b = appendUint(b, id)
	return appendArray(b, n)
}

const (
	replySlotFields  = 8 // ruled follows where there is any
	statusSlotFields = 2 // reason follows where there is one
)

func appendReplySlot(b []byte, p *Reply) []byte {
	if p.Status != StatusOK {
		n := statusSlotFields
		if p.Reason != ReasonNone {
			n++
		}
		b = appendArray(b, n)
		b = appendUint(b, uint64(p.Status))
		b = appendString(b, excerpt.Cut(p.Error, MaxErrorBytes))
		if p.Reason != ReasonNone {
			b = appendUint(b, uint64(p.Reason))
		}
		return b
	}
	n := replySlotFields
	if p.Ruled != 0 {
		n++
	}
	b = appendArray(b, n)
	b = appendUint(b, uint64(StatusOK))
	b = appendUint(b, uint64(p.Kind))
	b = appendUint(b, p.PredictionID)
	b = appendUint(b, uint64(p.Source))
	b = appendUint(b, uint64(p.Reason))
	b = appendUint(b, uint64(max(p.Age, 0)))
	b = appendString(b, excerpt.Cut(p.Model, MaxModelBytes))
	if b = AppendPrediction(b, &p.Prediction); p.Ruled != 0 {
		b = appendUint(b, uint64(p.Ruled))
	}
	return b
}

// replyHead reads up to the slots of a reply.
func (r *reader) replyHead(n int, maxSlots int) (id uint64, slots int) {
	if r.err == nil && n < 3 {
		r.fail(FaultMissing, "reply: %d elements, at least 3", n)
	}
	id = r.u64("id")
	return id, r.array("slots", maxSlots)
}

// replySlot reads one slot of a reply. Model names are interned by names.
func (r *reader) replySlot(p *Reply, names *interner) {
	n := r.tuple("slot", statusSlotFields)
	*p = Reply{Status: Status(r.uint("status", math.MaxUint8))}
	if p.Status != StatusOK {
		p.Error = string(r.bytes("text", MaxErrorBytes))
		known := statusSlotFields
		if n > known {
			known++
			p.Reason = Reason(r.uint("reason", math.MaxUint8))
		}
		r.skipRest(n, known)
		return
	}
	if r.err == nil && n < replySlotFields {
		r.fail(FaultMissing, "slot: %d elements, at least %d", n, replySlotFields)
	}
	kind := Kind(r.positive("kind", uint64(Memory)))
	p.PredictionID = r.u64("prediction_id")
	p.Source = Source(r.uint("source", uint64(len(sourceNames)-1)))
	p.Reason = Reason(r.uint("reason", math.MaxUint8))
	p.Age = time.Duration(r.uint("age", math.MaxInt64))
	p.Model = names.intern(r.bytes("model", MaxModelBytes))
	p.Prediction.parse(r, kind)
	known := replySlotFields
	if n > known {
		known++
		p.Ruled = r.targets(kind)
	}
	r.skipRest(n, known)
	if r.err == nil {
		if err := p.Prediction.Validate(); err != nil {
			r.fail(FaultRange, "%v", err)
		}
	}
}
