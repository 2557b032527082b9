package ipc

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// What this file reads and rewrites are messages that were kept, by a Tap for
// instance: tools need them whole, where the server and the client take them apart.

// PredictMessage is a predict message (PROTOCOL.md, section 6.3).
type PredictMessage struct {
	ID           uint64
	Budget       time.Duration // 0: the server's default
	RequireModel bool
	Class        Class
	Trace        Trace
	Requests     []Request // nil where the slot asks something impossible
}

// ReplyMessage is the answer to a predict message: replies, or an error that refuses
// the call whole.
type ReplyMessage struct {
	ID      uint64
	Refused *StatusError // nil when there are replies
	Replies []Reply
}

// transcriptLimits are the widest that a server can have.
var transcriptLimits = Limits{Batch: maxBatchLimit}

// IsPredict, IsReply and IsOutcome tell from its first bytes which message a payload
// is. A reply here is an answer of either form, an error that refuses one call included.
func IsPredict(payload []byte) bool { return typeOf(payload) == msgPredict }

// IsReply is described with IsPredict.
func IsReply(payload []byte) bool {
	t := typeOf(payload)
	return t == msgReply || t == msgError
}

// IsOutcome is described with IsPredict.
func IsOutcome(payload []byte) bool { return typeOf(payload) == msgOutcome }

func typeOf(payload []byte) messageType {
	r := reader{b: payload}
	_, t := r.header()
	if r.err != nil {
		return ^messageType(0)
	}
	return t
}

// ParsePredict reads a predict message. The error is a *ProtocolError. The message does
// not share storage with payload.
func ParsePredict(payload []byte) (*PredictMessage, error) {
	r := reader{b: payload}
	n, t := r.header()
	if r.err == nil && t != msgPredict {
		r.fail(FaultUnknown, "message type %d, want a predict", t)
	}
	h := r.predictHead(n, &transcriptLimits)
	m := &PredictMessage{ID: h.id, Budget: h.budget}
	var store requestStore
	for range h.slots {
		q, refused := r.slot(&store)
		switch {
		case r.err != nil:
			return nil, r.err
		case refused != nil:
			m.Requests = append(m.Requests, nil)
		default:
			m.Requests = append(m.Requests, q.Copy())
		}
	}
	opts := r.predictTail(n)
	m.RequireModel, m.Class, m.Trace = opts.RequireModel, opts.Class, opts.Trace
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// ParseReply reads a reply message, or an error message about one call. The error is a
// *ProtocolError.
func ParseReply(payload []byte) (*ReplyMessage, error) {
	r := reader{b: payload}
	n, t := r.header()
	switch {
	case r.err != nil:
		return nil, r.err
	case t == msgError:
		var e wireError
		if err := e.parse(&r, n); err != nil {
			return nil, err
		}
		return &ReplyMessage{ID: e.id, Refused: &StatusError{Status: e.status, Text: e.text}}, nil
	case t != msgReply:
		return nil, faultf(FaultUnknown, "message type %d, want a reply", t)
	}
	id, slots := r.replyHead(n, maxBatchLimit)
	m := &ReplyMessage{ID: id}
	for range slots {
		var p Reply
		if r.replySlot(&p, new(interner)); r.err != nil {
			return nil, r.err
		}
		m.Replies = append(m.Replies, p)
	}
	r.skipRest(n, 3)
	if err := r.end(); err != nil {
		return nil, err
	}
	return m, nil
}

// MapSubjects appends payload to dst with every agent and component replaced by what
// to gives for it, without the trace, by which others could tell who asked, and everything
// else as it was, elements that this version does not know included. Messages that name no
// subject stay as they are. The error is a *ProtocolError; a slot whose subject cannot be
// found, of a kind unknown here for instance, is one too. to must not give an empty
// component for one that is not.
func MapSubjects(dst, payload []byte, to func(Kind, Subject) Subject) ([]byte, error) {
	m := subjectMapper{r: reader{b: payload}, out: dst, to: to}
	n, t := m.r.header()
	switch t {
	case msgPredict:
		h := m.r.predictHead(n, &transcriptLimits)
		for range h.slots {
			m.slot()
		}
		known := 4
		if n > known { // flags
			m.r.skip(0)
			known++
		}
		if n > known {
			m.trace()
			known++
		}
		m.r.skipRest(n, known)
	case msgOutcome:
		if m.r.err == nil && n < 2 {
			m.r.fail(FaultMissing, "outcome: %d elements, at least 2", n)
		}
		for range m.r.array("outcomes", maxBatchLimit) {
			m.outcome()
		}
		m.r.skipRest(n, 2)
	default:
		m.r.skipRest(n, 1)
	}
	if err := m.r.end(); err != nil {
		return dst, err
	}
	return append(m.out, payload[m.copied:]...), nil
}

// subjectMapper copies a message in the stretches between its subjects.
type subjectMapper struct {
	r      reader
	out    []byte
	copied int // bytes of the message that out has
	to     func(Kind, Subject) Subject
}

// slot maps a [kind, [subject, …], …] pair.
func (m *subjectMapper) slot() {
	r := &m.r
	n := r.tuple("slot", 2)
	kind := Kind(r.int("kind", int64(Workload), int64(Memory)))
	fields := r.tuple("request", 1)
	m.subject(kind)
	r.skipRest(fields, 1)
	r.skipRest(n, 2)
}

// outcome maps a [prediction id, kind, subject, …].
func (m *subjectMapper) outcome() {
	r := &m.r
	n := r.tuple("outcome", 3)
	r.u64("prediction_id")
	m.subject(Kind(r.int("kind", int64(Workload), int64(Memory))))
	r.skipRest(n, 3)
}

// trace leaves nil in the place of a trace.
func (m *subjectMapper) trace() {
	start := m.r.off
	if m.r.skip(0); m.r.err == nil {
		m.out = appendNil(append(m.out, m.r.b[m.copied:start]...))
		m.copied = m.r.off
	}
}

func (m *subjectMapper) subject(kind Kind) {
	r := &m.r
	start := r.off
	var s Subject
	if kind == Failure {
		s.Component = string(r.bytes("component", MaxComponentBytes))
	} else {
		s.Agent = r.u64("agent_id")
	}
	if r.err != nil {
		return
	}
	m.out = append(m.out, r.b[m.copied:start]...)
	m.copied = r.off
	if s = m.to(kind, s); kind == Failure {
		m.out = appendString(m.out, excerpt.Cut(s.Component, MaxComponentBytes))
	} else {
		m.out = appendUint(m.out, s.Agent)
	}
}
