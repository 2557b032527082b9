package ipc

import "math"

// Request is one question: *WorkloadRequest, *ThreatRequest, *FailureRequest or
// *MemoryRequest.
//
// Histories are oldest first and end with the current value. Shorter histories,
// down to none, are legal and never padded: the length is information.
type Request interface {
	Kind() Kind
	// Subject is whom the question is about; answers are cached by it.
	Subject() Subject
	// Validate reports the first field outside its range as a *StatusError.
	Validate() error
	// Copy makes r independent of the storage that it was decoded into.
	Copy() Request

	append(b []byte) []byte
}

// NewRequest gives an empty request of kind k, nil when k is no kind.
func NewRequest(k Kind) Request {
	switch k {
	case Workload:
		return new(WorkloadRequest)
	case Threat:
		return new(ThreatRequest)
	case Failure:
		return new(FailureRequest)
	case Memory:
		return new(MemoryRequest)
	}
	return nil
}

// AppendRequest appends the request's wire array (PROTOCOL.md, "Predictions") to b.
// It does not validate.
func AppendRequest(b []byte, q Request) []byte { return q.append(b) }

// ParseRequest reads one request array from the front of b into q, reusing q's
// storage, and returns the bytes behind it. The error is a *ProtocolError when the
// bytes are no such array and a *StatusError when a value is outside its range;
// in the latter case rest is still valid.
func ParseRequest(b []byte, q Request) (rest []byte, err error) {
	return ParseRequestIn(b, q, nil)
}

// ParseRequestIn is ParseRequest for requests that live no longer than names, which
// holds the component's name; with nil the name is the request's own.
func ParseRequestIn(b []byte, q Request, names *Names) (rest []byte, err error) {
	r := reader{b: b, held: names}
	parseRequest(&r, q)
	if r.err != nil {
		return nil, r.err
	}
	return b[r.off:], q.Validate()
}

// parseRequest reads q's fields. It is a switch and no interface method so that
// the compiler sees that the reader does not escape: through the interface every
// frame would cost an allocation.
func parseRequest(r *reader, q Request) {
	switch q := q.(type) {
	case *WorkloadRequest:
		q.parse(r)
	case *ThreatRequest:
		q.parse(r)
	case *FailureRequest:
		q.parse(r)
	case *MemoryRequest:
		q.parse(r)
	}
}

// Never stands for "has not happened" in the time-since fields (milliseconds).
const Never = ^uint64(0)

// checkUnit is small enough to be compiled into its callers.
func checkUnit(field string, v float32) error {
	if v >= 0 && v <= 1 { // written so that NaN fails
		return nil
	}
	return notUnit(field, v)
}

//go:noinline
func notUnit(field string, v float32) error {
	return invalidf("%s: %v is outside [0, 1]", field, v)
}

const one = 0x3f800000 // the bits of 1

func checkUnits(field string, vs []float32, max int) error {
	if len(vs) > max {
		return tooMany(field, len(vs), max)
	}
	// The bits of shares are in the order of their values, and all others', of -0 too,
	// are above those of 1 (IEEE 754-2019, 3.4): one comparison a list.
	top := uint32(0)
	for _, v := range vs {
		if b := math.Float32bits(v); b > top {
			top = b
		}
	}
	if top <= one {
		return nil
	}
	for i, v := range vs {
		if !(v >= 0 && v <= 1) {
			return invalidf("%s[%d]: %v is outside [0, 1]", field, i, v)
		}
	}
	return nil
}

func checkFinite(field string, v float32) error {
	if !finite(v) {
		return invalidf("%s: %v is not finite", field, v)
	}
	return nil
}

func checkFinites(field string, vs []float32, max int) error {
	if len(vs) > max {
		return tooMany(field, len(vs), max)
	}
	for i, v := range vs {
		if !finite(v) {
			return invalidf("%s[%d]: not finite", field, i)
		}
	}
	return nil
}

func tooMany(field string, n, max int) error {
	return invalidf("%s: %d elements, at most %d", field, n, max)
}

// firstError returns the first error there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
