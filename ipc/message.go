package ipc

import (
	"fmt"
	"math"
	"time"
)

// Version is the protocol version spoken here (PROTOCOL.md).
const Version = 1

// messageType is the first element of every envelope.
type messageType uint8

const (
	msgHello   messageType = 0
	msgPing    messageType = 1
	msgPong    messageType = 2
	msgPredict messageType = 3
	msgReply   messageType = 4
	msgError   messageType = 5
	msgOutcome messageType = 6
	msgGoAway  messageType = 7
)

// The flags of a predict message: bit 0 refuses stale answers and rules, bits 1 and 2
// are the call's class.
const (
	flagRequireModel = 1 << 0
	flagClassShift   = 1
	flagClassMask    = 3
)

// flags is what the options are on the wire.
func (o *Options) flags() (f uint64) {
	if o.RequireModel {
		f = flagRequireModel
	}
	return f | uint64(o.Class&flagClassMask)<<flagClassShift
}

// header reads the envelope's array length and message type.
func (r *reader) header() (n int, t messageType) {
	n = r.tuple("envelope", 1)
	return n, messageType(r.uint("message type", math.MaxUint8))
}

func appendToken(b []byte, t messageType, token uint64) []byte {
	return appendUint(appendUint(appendArray(b, 2), uint64(t)), token)
}

// token reads the rest of a ping or pong of n elements.
func (r *reader) token(n int) uint64 {
	if r.err == nil && n < 2 {
		r.fail(FaultMissing, "ping: %d elements, at least 2", n)
	}
	token := r.u64("token")
	r.skipRest(n, 2)
	r.end()
	return token
}

// appendPredict writes a whole predict message; the requests must be valid.
func appendPredict(b []byte, id uint64, opts Options, reqs []Request) []byte {
	n, flags := 4, opts.flags()
	if flags != 0 {
		n = 5
	}
	traced := opts.Trace.Valid()
	if traced {
		n = 6
	}
	b = appendArray(b, n)
	b = appendUint(b, uint64(msgPredict))
	b = appendUint(b, id)
	b = appendUint(b, uint64(max(opts.Budget, 0)))
	b = appendArray(b, len(reqs))
	for _, q := range reqs {
		b = appendArray(b, 2)
		b = appendUint(b, uint64(q.Kind()))
		b = q.append(b)
	}
	if n > 4 {
		b = appendUint(b, flags)
	}
	if traced {
		b = appendTrace(b, &opts.Trace)
	}
	return b
}

// predictHead is what precedes the slots of a predict message.
type predictHead struct {
	id     uint64
	budget time.Duration
	slots  int
}

// predictHead reads up to the slots; the caller reads those with slot and what is
// behind them with predictTail.
func (r *reader) predictHead(n int, lim *Limits) (h predictHead) {
	if r.err == nil && n < 4 {
		r.fail(FaultMissing, "predict: %d elements, at least 4", n)
	}
	h.id = r.u64("id")
	if r.err == nil && h.id == 0 {
		r.fail(FaultRange, "id: 0 is the connection itself")
	}
	if !r.absent() {
		h.budget = time.Duration(r.uint("budget", math.MaxInt64))
	}
	h.slots = r.array("slots", lim.Batch)
	if r.err == nil && h.slots == 0 {
		r.fail(FaultMissing, "slots: none")
	}
	return h
}

// predictTail reads flags and trace into the options, skips what is newer than this
// code, and checks that the frame ends.
func (r *reader) predictTail(n int) (opts Options) {
	known := 4
	if n > known {
		known++
		if !r.absent() {
			flags := r.u64("flags")
			opts.RequireModel = flags&flagRequireModel != 0
			opts.Class = Class(flags >> flagClassShift & flagClassMask)
		}
	}
	if n > known {
		known++
		opts.Trace = r.trace()
	}
	r.skipRest(n, known)
	r.end()
	return opts
}

// slot reads one [kind, request] pair into the storage of s. A slot that is well
// formed but asks something impossible is the slot's own error: it comes back as a
// *StatusError and the reader stands behind the slot. When the bytes themselves
// are broken the reader's error is set.
func (r *reader) slot(s *requestStore) (Request, error) {
	start := r.off
	if r.err != nil {
		return nil, r.err
	}
	n := r.tuple("slot", 2)
	kind := Kind(r.uint("kind", math.MaxUint8))
	q := s.request(kind)
	if r.err == nil && q == nil {
		return nil, r.refuse(start, &StatusError{Status: StatusUnimplemented, Text: fmt.Sprintf("unknown kind %d", uint8(kind))})
	}
	if r.err == nil {
		parseRequest(r, q)
		r.skipRest(n, 2)
	}
	if r.err != nil {
		return nil, r.refuse(start, r.err)
	}
	return q, q.Validate()
}

// refuse steps over the slot that began at start. When even that fails, the bytes
// are not msgpack and the whole frame is at fault.
func (r *reader) refuse(start int, cause error) error {
	r.off, r.err = start, nil
	r.skip(1)
	if r.err != nil {
		return r.err
	}
	if p, ok := cause.(*ProtocolError); ok {
		return &StatusError{Status: StatusInvalidArgument, Text: p.Text}
	}
	return cause
}

// requestStore holds one request of each kind so that decoding reuses storage.
type requestStore struct {
	workload WorkloadRequest
	threat   ThreatRequest
	failure  FailureRequest
	memory   MemoryRequest
}

func (s *requestStore) request(k Kind) Request {
	switch k {
	case Workload:
		return &s.workload
	case Threat:
		return &s.threat
	case Failure:
		return &s.failure
	case Memory:
		return &s.memory
	}
	return nil
}

// appendReplyHead starts a reply message of n slots; appendReplySlot adds each.
func appendReplyHead(b []byte, id uint64, n int) []byte {
	b = appendArray(b, 3)
	b = appendUint(b, uint64(msgReply))
	b = appendUint(b, id)
	return appendArray(b, n)
}

const (
	replySlotFields  = 8
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
		b = appendString(b, clip(p.Error, MaxErrorBytes))
		if p.Reason != ReasonNone {
			b = appendUint(b, uint64(p.Reason))
		}
		return b
	}
	b = appendArray(b, replySlotFields)
	b = appendUint(b, uint64(StatusOK))
	b = appendUint(b, uint64(p.Kind))
	b = appendUint(b, p.PredictionID)
	b = appendUint(b, uint64(p.Source))
	b = appendUint(b, uint64(p.Reason))
	b = appendUint(b, uint64(max(p.Age, 0)))
	b = appendString(b, clip(p.Model, MaxModelBytes))
	return AppendPrediction(b, &p.Prediction)
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
	kind := Kind(r.uint("kind", uint64(Memory)))
	p.PredictionID = r.u64("prediction_id")
	p.Source = Source(r.uint("source", uint64(len(sourceNames)-1)))
	p.Reason = Reason(r.uint("reason", math.MaxUint8))
	p.Age = time.Duration(r.uint("age", math.MaxInt64))
	p.Model = names.intern(r.bytes("model", MaxModelBytes))
	p.Prediction.parse(r, kind)
	r.skipRest(n, replySlotFields)
	if r.err == nil {
		if err := p.Prediction.Validate(); err != nil {
			r.fail(FaultRange, "%v", err)
		}
	}
}

// wireError is the error message: about one call, or with id 0 about the connection.
type wireError struct {
	id     uint64
	status Status
	fault  ProtocolFault // "" when it is about a call
	text   string
}

const errorFields = 5

func (e *wireError) append(b []byte) []byte {
	b = appendArray(b, errorFields)
	b = appendUint(b, uint64(msgError))
	b = appendUint(b, e.id)
	b = appendUint(b, uint64(e.status))
	b = appendString(b, string(e.fault))
	return appendString(b, clip(e.text, MaxErrorBytes))
}

func (e *wireError) parse(r *reader, n int) error {
	if r.err == nil && n < errorFields {
		r.fail(FaultMissing, "error: %d elements, at least %d", n, errorFields)
	}
	e.id = r.u64("id")
	e.status = Status(r.uint("status", math.MaxUint8))
	e.fault = ProtocolFault(r.bytes("fault", MaxNameBytes))
	e.text = string(r.bytes("text", MaxErrorBytes))
	r.skipRest(n, errorFields)
	return r.end()
}

const outcomeFields = 5

func appendOutcomes(b []byte, outcomes []Outcome) []byte {
	b = appendArray(b, 2)
	b = appendUint(b, uint64(msgOutcome))
	b = appendArray(b, len(outcomes))
	for i := range outcomes {
		o := &outcomes[i]
		b = appendArray(b, outcomeFields)
		b = appendUint(b, o.PredictionID)
		b = appendUint(b, uint64(o.Actual.Kind))
		if o.Actual.Kind == Failure {
			b = appendString(b, o.Subject.Component)
		} else {
			b = appendUint(b, o.Subject.Agent)
		}
		b = appendUint(b, uint64(max(o.Ago, 0)))
		b = AppendPrediction(b, &o.Actual)
	}
	return b
}

// outcomes reads the outcomes of a message into the storage of dst. One that is
// well formed but impossible is left out and the first such is returned as a
// *StatusError, for a notice; the others count. Broken bytes set the reader's error.
func (r *reader) outcomes(dst []Outcome, n int, lim *Limits) (_ []Outcome, refused error) {
	if r.err == nil && n < 2 {
		r.fail(FaultMissing, "outcome: %d elements, at least 2", n)
	}
	count := r.array("outcomes", lim.Batch)
	dst = dst[:0]
	for range count {
		o, err := r.outcome()
		if r.err != nil {
			return dst, nil
		}
		if err == nil {
			dst = append(dst, o)
		} else if refused == nil {
			refused = err
		}
	}
	r.skipRest(n, 2)
	r.end()
	return dst, refused
}

func (r *reader) outcome() (o Outcome, err error) {
	start := r.off
	n := r.tuple("outcome", outcomeFields)
	o.PredictionID = r.u64("prediction_id")
	kind := Kind(r.int("kind", int64(Workload), int64(Memory)))
	if kind == Failure {
		o.Subject.Component = string(r.bytes("component", MaxComponentBytes))
	} else {
		o.Subject.Agent = r.u64("agent_id")
	}
	o.Ago = time.Duration(r.uint("observed_ago", math.MaxInt64))
	o.Actual.parse(r, kind)
	r.skipRest(n, outcomeFields)
	if r.err != nil {
		return o, r.refuse(start, r.err)
	}
	if kind == Failure && o.Subject.Component == "" {
		return o, invalidf("component: empty")
	}
	return o, o.Actual.Validate()
}

func appendGoAway(b []byte, text string) []byte {
	b = appendUint(appendArray(b, 2), uint64(msgGoAway))
	return appendString(b, clip(text, MaxErrorBytes))
}

// goAway reads the rest of a goaway of n elements.
func (r *reader) goAway(n int) (text string) {
	if r.err == nil && n < 2 {
		r.fail(FaultMissing, "goaway: %d elements, at least 2", n)
	}
	text = string(r.bytes("text", MaxErrorBytes))
	r.skipRest(n, 2)
	r.end()
	return text
}

// clip cuts s to at most max bytes, at a character's start.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for max > 0 && s[max]&0xc0 == 0x80 {
		max--
	}
	return s[:max]
}
