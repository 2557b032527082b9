package api

import "github.com/mlbridge/mlbridge/ipc"

// Answer is the answer to one call: what a daemon appends and a bridge parses. Its
// storage is reused by the next ParseAnswer.
type Answer struct {
	Model   string // "name@version" of the model that answered, "" when unsaid
	Latency uint64 // ns the daemon took, from the parsed call to the answer
	Slots   []Slot // one, or as many as the batch has
	// Beside is the model that was asked besides and whose answers nobody gets: those of
	// the slots' Beside. "" when there was none. Msgpack only.
	Beside string
}

// Slot is the answer to one question: a prediction, or why there is none.
type Slot struct {
	Status     ipc.Status
	Error      string // for people, when Status is not StatusOK
	Prediction ipc.Prediction
	Form       AddressForm // how a memory prediction's addresses are written in JSON

	Model     string         // of this slot, where it is not the answer's
	Beside    ipc.Prediction // what Answer.Beside said to the same question
	HasBeside bool
}

// Fail makes s say why there is no prediction.
func (s *Slot) Fail(err error) {
	*s = Slot{Status: ErrorStatus(err), Error: ErrorText(err), Form: s.Form}
}

// Resize gives a n slots, keeping its storage. Their contents are undefined.
func (a *Answer) Resize(n int) {
	if cap(a.Slots) < n {
		a.Slots = make([]Slot, n)
	}
	a.Slots = a.Slots[:n]
}

// AppendAnswer appends an answer to b: the batch form, or the single form of
// a.Slots[0]. The single form has no room for a failure in JSON: a call whose only
// slot failed is answered by AppendError.
func (f Format) AppendAnswer(b []byte, a *Answer, batch bool) []byte {
	if f == Msgpack {
		return appendAnswerMsgpack(b, a, batch)
	}
	return appendAnswerJSON(b, a, batch)
}

// ParseAnswer reads the answer to a call with n questions of kind k. An answer that
// cannot be taken apart, or with another number of slots, is an error with
// StatusInternal; one slot whose prediction is outside its range fails alone.
func (f Format) ParseAnswer(body []byte, k ipc.Kind, batch bool, n int, a *Answer) error {
	a.Slots, a.Latency = a.Slots[:0], 0
	if n < 1 || n > MaxBatch {
		return invalidf("%d questions, want 1-%d", n, MaxBatch)
	}
	var err error
	switch f {
	case Msgpack:
		err = parseAnswerMsgpack(body, k, batch, a)
	case JSON:
		err = parseAnswerJSON(body, k, batch, a)
	default:
		err = invalidf("unknown format")
	}
	if err == nil && len(a.Slots) != n {
		err = internalf("%d predictions for %d questions", len(a.Slots), n)
	}
	if err != nil {
		a.Slots = a.Slots[:0]
	}
	return err
}

// slot adds an empty slot.
func (a *Answer) slot() *Slot {
	a.Slots = append(a.Slots, Slot{})
	return &a.Slots[len(a.Slots)-1]
}

// setModel keeps the string that is already there when it has not changed, which
// is nearly always.
func (a *Answer) setModel(name []byte) { a.Model = kept(a.Model, name) }

// kept is the name as a string: the one of before, where it is the same.
func kept(before string, name []byte) string {
	if string(name) == before {
		return before
	}
	return string(name)
}
