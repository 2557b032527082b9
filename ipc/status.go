package ipc

import "fmt"

// Status is the outcome of one slot of a call.
type Status uint8

// The status codes. They follow gRPC's meanings under numbers of our own.
const (
	StatusOK               Status = 0
	StatusInvalidArgument  Status = 1 // the request breaks a stated range or limit
	StatusUnimplemented    Status = 2 // unknown kind or message
	StatusDeadlineExceeded Status = 3 // no rung could answer in time
	StatusOverloaded       Status = 4 // shed: ask again later
	StatusUnavailable      Status = 5 // a model was required and none is there, or draining
	StatusPermissionDenied Status = 6 // this peer may not ask this
	StatusInternal         Status = 7 // a defect on the answering side
)

// Statuses lists every status in wire order.
var Statuses = [...]Status{
	StatusOK, StatusInvalidArgument, StatusUnimplemented, StatusDeadlineExceeded,
	StatusOverloaded, StatusUnavailable, StatusPermissionDenied, StatusInternal,
}

var statusNames = [...]string{
	"ok", "invalid argument", "unimplemented", "deadline exceeded",
	"overloaded", "unavailable", "permission denied", "internal",
}

// Valid reports whether s is a known status.
func (s Status) Valid() bool { return int(s) < len(statusNames) }

// String gives the name used in JSON, metrics and error texts.
func (s Status) String() string {
	if s.Valid() {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// Retriable reports whether the same question may succeed when asked again
// unchanged: the peer was busy or going away, nothing was wrong with the question.
func (s Status) Retriable() bool { return s == StatusOverloaded || s == StatusUnavailable }
