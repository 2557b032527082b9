package ipc

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc/excerpt"
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
	return appendString(b, excerpt.Cut(e.text, MaxErrorBytes))
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

func appendGoAway(b []byte, text string) []byte {
	b = appendUint(appendArray(b, 2), uint64(msgGoAway))
	return appendString(b, excerpt.Cut(text, MaxErrorBytes))
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
