package ipc

// envelope is any message of the protocol, decoded: what the vectors, the fuzz
// targets and the oracle share. Only the fields of its type are set.
type envelope struct {
	kind         messageType
	fromServer   bool
	hello        hello
	token        uint64
	call         predictHead
	requireModel bool
	class        Class
	trace        Trace
	slots        []slotResult
	replyID      uint64
	replies      []Reply
	fault        wireError
	outcomes     []Outcome
	refused      bool // an outcome was left out
	text         string
}

// slotResult is one slot of a predict: a request of its own storage, or why not.
type slotResult struct {
	request Request
	err     *StatusError
}

// decodeEnvelope reads one payload the way the side that receives it does. On an
// error the envelope is nil: nothing of a broken message may be used.
func decodeEnvelope(payload []byte, fromServer bool) (*envelope, error) {
	lim := DefaultLimits()
	r := &reader{b: payload}
	n, t := r.header()
	if r.err != nil {
		return nil, r.err
	}
	m := &envelope{kind: t, fromServer: fromServer}
	switch {
	case t == msgHello:
		if err := m.hello.parse(r, n, fromServer); err != nil {
			return nil, err
		}
	case t == msgPing, t == msgPong:
		m.token = r.token(n)
	case t == msgPredict && !fromServer:
		m.predict(r, n, &lim)
	case t == msgReply && fromServer:
		m.reply(r, n, &lim)
	case t == msgError && fromServer:
		m.fault.parse(r, n)
	case t == msgOutcome && !fromServer:
		var refused error
		m.outcomes, refused = r.outcomes(nil, n, &lim)
		m.refused = refused != nil
	case t == msgGoAway && fromServer:
		m.text = r.goAway(n)
	default:
		return nil, faultf(FaultUnknown, "message type %d", t)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

func (m *envelope) predict(r *reader, n int, lim *Limits) {
	m.call = r.predictHead(n, lim)
	for range m.call.slots {
		q, err := r.slot(new(requestStore))
		if r.err != nil {
			return
		}
		s := slotResult{request: q}
		if err != nil {
			s = slotResult{err: err.(*StatusError)}
		}
		m.slots = append(m.slots, s)
	}
	opts := r.predictTail(n)
	m.requireModel, m.class, m.trace = opts.RequireModel, opts.Class, opts.Trace
}

func (m *envelope) reply(r *reader, n int, lim *Limits) {
	var names interner
	var slots int
	m.replyID, slots = r.replyHead(n, lim.Batch)
	for range slots {
		var p Reply
		if r.replySlot(&p, &names); r.err != nil {
			return
		}
		m.replies = append(m.replies, p)
	}
	r.skipRest(n, 3)
	r.end()
}

// append writes the message with the encoders under test. A predict with refused
// slots cannot be written: the encoders only write what is valid.
func (m *envelope) append(b []byte) []byte {
	switch m.kind {
	case msgHello:
		if m.fromServer {
			return m.hello.appendServer(b)
		}
		return m.hello.appendClient(b)
	case msgPing, msgPong:
		return appendToken(b, m.kind, m.token)
	case msgPredict:
		reqs := make([]Request, len(m.slots))
		for i, s := range m.slots {
			reqs[i] = s.request
		}
		opts := Options{Budget: m.call.budget, RequireModel: m.requireModel, Class: m.class, Trace: m.trace}
		return appendPredict(b, m.call.id, opts, reqs)
	case msgReply:
		b = appendReplyHead(b, m.replyID, len(m.replies))
		for i := range m.replies {
			b = appendReplySlot(b, &m.replies[i])
		}
		return b
	case msgError:
		return m.fault.append(b)
	case msgOutcome:
		return appendOutcomes(b, m.outcomes)
	case msgGoAway:
		return appendGoAway(b, m.text)
	}
	panic("ipc: no such message")
}

// writable reports whether append can write m: no slot of it was refused.
func (m *envelope) writable() bool {
	for _, s := range m.slots {
		if s.err != nil {
			return false
		}
	}
	return true
}
