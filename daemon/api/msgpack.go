package api

import (
	"errors"
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

func parseCallMsgpack(body []byte, c *Call) error {
	r := mpReader{b: body}
	n := 1
	if c.Batch {
		n = r.array("batch")
		if err := batchSize(n); r.err == nil && err != nil {
			return err
		}
	}
	for i := 0; i < n && r.err == nil; i++ {
		q := c.slot()
		if fault := r.request(q, &c.names); fault != nil {
			c.Faults[i] = invalidf("%s", ErrorText(fault))
		}
	}
	if err := r.end(); err != nil {
		// For a single request that was cut short, what it lacks says more.
		if !c.Batch && len(c.Faults) > 0 && c.Faults[0] != nil {
			return c.Faults[0]
		}
		return invalidf("body: %v", err)
	}
	return nil
}

// batchSize checks the number of slots of a batch.
func batchSize(n int) error {
	switch {
	case n == 0:
		return invalidf("empty batch")
	case n > MaxBatch:
		return invalidf("batch of %d, at most %d", n, MaxBatch)
	}
	return nil
}

const (
	answerFields = 3 // model, latency_ns, slot or slots; beside and its predictions may follow
	slotFields   = 2 // status, prediction or text; model may follow
	besideFields = 2
)

func appendAnswerMsgpack(b []byte, a *Answer, batch bool) []byte {
	fields := answerFields
	if a.Beside != "" {
		fields += besideFields
	}
	b = appendArray(b, fields)
	b = appendText(b, a.Model, ipc.MaxModelBytes)
	b = appendUint(b, a.Latency)
	if !batch {
		b = a.Slots[0].appendMsgpack(b)
	} else {
		b = appendArray(b, len(a.Slots))
		for i := range a.Slots {
			b = a.Slots[i].appendMsgpack(b)
		}
	}
	if a.Beside == "" {
		return b
	}
	b = appendText(b, a.Beside, ipc.MaxModelBytes)
	b = appendArray(b, len(a.Slots))
	for i := range a.Slots {
		if s := &a.Slots[i]; s.HasBeside {
			b = appendPrediction(b, &s.Beside)
		} else {
			b = append(b, nilByte)
		}
	}
	return b
}

const nilByte = 0xc0

func (s *Slot) appendMsgpack(b []byte) []byte {
	fields := slotFields
	if s.Model != "" {
		fields++
	}
	b = appendArray(b, fields)
	b = append(b, byte(s.Status)) // statuses are single-byte integers
	if s.Status != ipc.StatusOK {
		b = appendText(b, s.Error, ipc.MaxErrorBytes)
	} else {
		b = appendPrediction(b, &s.Prediction)
	}
	if s.Model != "" {
		b = appendText(b, s.Model, ipc.MaxModelBytes)
	}
	return b
}

func appendPrediction(b []byte, p *ipc.Prediction) []byte {
	if p.Kind != ipc.Failure {
		return ipc.AppendPrediction(b, p)
	}
	// The one field whose unit differs is changed there and back, which is cheaper
	// than a copy of the whole prediction.
	ns := p.Failure
	p.Failure = toMs(ns)
	b = ipc.AppendPrediction(b, p)
	p.Failure = ns
	return b
}

func parseAnswerMsgpack(body []byte, k ipc.Kind, batch bool, a *Answer) error {
	r := mpReader{b: body}
	fields := r.array("answer")
	if r.err == nil && fields < answerFields {
		r.fail("answer: %d elements, want %d", fields, answerFields)
	}
	a.setModel(r.text("model", ipc.MaxModelBytes))
	a.Latency = r.uint("latency_ns", math.MaxUint64)
	n := 1
	if batch {
		if n = r.array("slots"); n > MaxBatch {
			r.fail("%d slots, at most %d", n, MaxBatch)
		}
	}
	for i := 0; i < n && r.err == nil; i++ {
		r.slot(k, a)
	}
	known := answerFields
	if fields >= answerFields+besideFields {
		known += besideFields
		r.beside(k, a)
	} else {
		a.Beside = ""
	}
	for i := known; i < fields && r.err == nil; i++ {
		r.skip(0) // elements that a later version added
	}
	if err := r.end(); err != nil {
		return internalf("answer: %v", err)
	}
	return nil
}

// errShortSlot is a slot without its second element.
var errShortSlot = errors.New("slot: fewer than 2 elements")

// beside reads what another model said besides. A prediction of its that is no good is
// as good as none.
func (r *mpReader) beside(k ipc.Kind, a *Answer) {
	a.Beside = kept(a.Beside, r.text("beside", ipc.MaxModelBytes))
	if n := r.array("besides"); r.err == nil && n != len(a.Slots) {
		r.fail("%d besides for %d slots", n, len(a.Slots))
	}
	for i := 0; i < len(a.Slots) && r.err == nil; i++ {
		if len(r.b) > 0 && r.b[0] == nilByte {
			r.skip(0)
			continue
		}
		s := &a.Slots[i]
		fault := r.prediction(k, &s.Beside)
		if fault == nil && k == ipc.Failure {
			fault = fromMs(&s.Beside.Failure)
		}
		s.HasBeside = fault == nil && r.err == nil
	}
}

func (r *mpReader) slot(k ipc.Kind, a *Answer) {
	s := a.slot()
	fields := r.array("slot")
	if r.err == nil && fields < slotFields {
		r.err = errShortSlot
	}
	s.Status = ipc.Status(r.uint("status", math.MaxUint8))
	switch {
	case r.err != nil:
		return
	case s.Status == ipc.StatusOK:
		fault := r.prediction(k, &s.Prediction)
		if fault == nil && k == ipc.Failure {
			fault = fromMs(&s.Prediction.Failure)
		}
		if fault != nil {
			s.Fail(internalf("prediction: %s", ErrorText(fault)))
		}
	case !s.Status.Valid():
		// A status of a later version: refused, for a reason unknown here.
		s.Error = string(r.text("error", len(r.b)))
		s.Status = ipc.StatusInternal
	default:
		s.Error = string(r.text("error", len(r.b)))
	}
	known := slotFields
	if fields > slotFields {
		known++
		before := ""
		if n := len(a.Slots); n > 1 {
			before = a.Slots[n-2].Model
		}
		s.Model = kept(before, r.text("model", ipc.MaxModelBytes))
	}
	for i := known; i < fields && r.err == nil; i++ {
		r.skip(0)
	}
}
