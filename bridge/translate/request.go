package translate

import (
	"github.com/mlbridge/mlbridge/ipc"
)

// Question is a request with what its reply has to know about its form.
type Question struct {
	Request ipc.Request
	Address AddressForm
}

// Slot is one place of a batch: a question, or the error that stands in for it.
type Slot struct {
	Question
	Err error // *ipc.StatusError
}

// DecodeRequest reads one question of kind k. The text must end where the question
// ends. A "kind" member may be there and must then be k's name.
func DecodeRequest(text []byte, k ipc.Kind) (Question, error) {
	s := scanner{b: text}
	q := s.question(k)
	s.end()
	if s.err != nil {
		return Question{}, s.err
	}
	if err := q.Request.Validate(); err != nil {
		return Question{}, err
	}
	return q, nil
}

// DecodeBatch reads {"requests":[…]} of one kind, or of mixed kinds when k is 0;
// then every slot names its own. At most limit slots, at least one.
//
// The error is about the document as a whole: text that is no JSON, no list, too
// many slots. A slot that is JSON but no legal question has its own error and
// leaves the others alone.
func DecodeBatch(text []byte, k ipc.Kind, limit int) ([]Slot, error) {
	s := scanner{b: text}
	var raws [][]byte
	read(&s, []field[[][]byte]{{
		name: "requests",
		get: func(s *scanner, out *[][]byte) {
			*out = list(s, limit, func() []byte { return s.raw(2) })
			if s.err == nil && len(*out) == 0 {
				s.fail("empty, want 1-%d questions", limit)
			}
		},
	}}, &raws)
	s.end()
	if s.err != nil {
		return nil, s.err
	}
	slots := make([]Slot, len(raws))
	for i, raw := range raws {
		slots[i] = decodeSlot(raw, k)
	}
	return slots, nil
}

func decodeSlot(raw []byte, k ipc.Kind) Slot {
	if k == 0 {
		var err error
		if k, err = slotKind(raw); err != nil {
			return Slot{Err: err}
		}
	}
	q, err := DecodeRequest(raw, k)
	return Slot{Question: q, Err: err}
}

// slotKind finds the kind that an object names.
func slotKind(raw []byte) (ipc.Kind, error) {
	s := scanner{b: raw}
	if s.peek() != '{' {
		s.want("an object")
		return 0, s.err
	}
	name, ok := s.lookup("kind")
	if !ok {
		s.noKind()
		return 0, s.err
	}
	k, err := ipc.ParseKind(name)
	if err != nil {
		// A status of its own: the question may be legal in a later version.
		return 0, &ipc.StatusError{
			Status: ipc.StatusUnimplemented,
			Text:   "kind: " + quoted(name) + " is not workload, threat, failure or memory",
		}
	}
	return k, nil
}

// noKind refuses the object that comes next, which names no kind.
func (s *scanner) noKind() {
	why := "missing"
	if s.has("kind") {
		why = "not a string"
	}
	mark := s.push("kind")
	s.fail(`%s, want "workload", "threat", "failure" or "memory"`, why)
	s.pop(mark)
}

// question reads the object of a question of kind k.
func (s *scanner) question(k ipc.Kind) Question {
	switch k {
	case ipc.Workload:
		q := new(ipc.WorkloadRequest)
		read(s, workloadRequest, q)
		return Question{Request: q}
	case ipc.Threat:
		q := &ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never}
		read(s, threatRequest, q)
		return Question{Request: q}
	case ipc.Failure:
		q := &ipc.FailureRequest{TimeSinceLastFailure: ipc.Never}
		read(s, failureRequest, q)
		return Question{Request: q}
	case ipc.Memory:
		q := new(ipc.MemoryRequest)
		s.lookAtAddressForm()
		read(s, memoryRequest, q)
		return Question{Request: q, Address: s.form}
	}
	s.fail("kind %d is none", uint8(k))
	return Question{}
}

// AppendRequest appends q as the object that DecodeRequest reads. The error is
// about numbers without a JSON form.
func AppendRequest(b []byte, q ipc.Request, f Form) ([]byte, error) {
	w := writer{b: b, form: f}
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		write(&w, workloadRequest, q)
	case *ipc.ThreatRequest:
		write(&w, threatRequest, q)
	case *ipc.FailureRequest:
		write(&w, failureRequest, q)
	case *ipc.MemoryRequest:
		write(&w, memoryRequest, q)
	}
	return w.b, w.err
}

// kindField is the member that names the kind. Where the kind is known from the
// route it may be left out, and must not contradict.
func kindField[T any](k ipc.Kind) field[T] {
	return field[T]{
		name: "kind", optional: true, // as the route says
		get: func(s *scanner, _ *T) {
			if v := s.text(); s.err == nil && v != k.String() {
				s.fail("%s where a %s question is asked", quoted(v), k)
			}
		},
		put: func(w *writer, _ *T) { w.text(k.String()) },
	}
}
