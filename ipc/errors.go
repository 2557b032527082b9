package ipc

import (
	"errors"
	"fmt"
)

// Errors answer three questions: is the connection still usable, did the request
// leave, may it be tried again.
//
//	ProtocolError  the bytes were wrong: the connection is over
//	StatusError    the peer said no: the connection lives
//	ConnError      no answer will come: Sent says whether the request left

// ProtocolError says that a peer broke the framing or the envelope. The
// connection it came from is closed.
type ProtocolError struct {
	Kind ProtocolFault // what was broken
	Text string        // detail for people
}

// ProtocolFault classifies a ProtocolError; the golden vectors name them.
type ProtocolFault string

// The ways to break the protocol.
const (
	FaultFrameEmpty    ProtocolFault = "frame-empty"     // length 0
	FaultFrameTooLarge ProtocolFault = "frame-too-large" // length over the limit
	FaultFrameSlow     ProtocolFault = "frame-slow"      // a started frame did not complete in time
	FaultTruncated     ProtocolFault = "truncated"       // the value is longer than the frame
	FaultTrailing      ProtocolFault = "trailing-bytes"  // the value ends before the frame does
	FaultType          ProtocolFault = "wrong-type"      // not the msgpack type the spec asks for
	FaultRange         ProtocolFault = "out-of-range"    // an envelope number outside its range
	FaultTooLong       ProtocolFault = "too-long"        // an array or string over its limit
	FaultMissing       ProtocolFault = "missing-element" // an array shorter than the spec asks for
	FaultSequence      ProtocolFault = "out-of-sequence" // e.g. a call before hello
	FaultVersion       ProtocolFault = "version"         // no common protocol version
	FaultUnknown       ProtocolFault = "unknown-message" // a message type this side does not know
	FaultTooMuch       ProtocolFault = "too-much"        // more bytes than this side holds for all its peers together
	FaultDepth         ProtocolFault = "too-deep"        // nested deeper than any message needs
)

func (e *ProtocolError) Error() string {
	return "ipc: protocol error: " + string(e.Kind) + ": " + e.Text
}

// Is makes errors.Is(err, &ProtocolError{Kind: k}) true for errors of that kind.
func (e *ProtocolError) Is(target error) bool {
	t, ok := target.(*ProtocolError)
	return ok && (t.Kind == "" || t.Kind == e.Kind)
}

func faultf(kind ProtocolFault, format string, args ...any) error {
	return &ProtocolError{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// StatusError is a refusal by the peer, or a request refused before it was sent.
// The connection stays usable.
type StatusError struct {
	Status Status
	Text   string
}

func (e *StatusError) Error() string { return "ipc: " + e.Status.String() + ": " + e.Text }

// Is makes errors.Is(err, &StatusError{Status: s}) true for errors of that status.
func (e *StatusError) Is(target error) bool {
	t, ok := target.(*StatusError)
	return ok && (t.Status == StatusOK || t.Status == e.Status)
}

func invalidf(format string, args ...any) error {
	return &StatusError{Status: StatusInvalidArgument, Text: fmt.Sprintf(format, args...)}
}

// ConnError says that no answer will come on this connection.
type ConnError struct {
	Op   string // what was being done: "dial", "write", "read", "hello"
	Sent bool   // whether any byte of the request may have reached the peer
	Err  error
}

func (e *ConnError) Error() string { return "ipc: " + e.Op + ": " + e.Err.Error() }
func (e *ConnError) Unwrap() error { return e.Err }

// Sentinels that callers branch on.
var (
	// ErrClosed is what calls on a closed client get.
	ErrClosed = errors.New("ipc: closed")
	// ErrDraining is why a call is refused after GoAway.
	ErrDraining = errors.New("ipc: peer is draining")
)
