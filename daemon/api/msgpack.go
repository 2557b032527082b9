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
	answerFields = 3 // model, latency_ns, slot or slots
	slotFields   = 2 // status, prediction or text
)

func appendAnswerMsgpack(b []byte, a *Answer, batch bool) []byte {
	b = appendArray(b, answerFields)
	b = appendText(b, a.Model, ipc.MaxModelBytes)
	b = appendUint(b, a.Latency)
	if !batch {
		return a.Slots[0].appendMsgpack(b)
	}
	b = appendArray(b, len(a.Slots))
	for i := range a.Slots {
		b = a.Slots[i].appendMsgpack(b)
	}
	return b
}

func (s *Slot) appendMsgpack(b []byte) []byte {
	b = appendArray(b, slotFields)
	b = append(b, byte(s.Status)) // statuses are single-byte integers
	if s.Status != ipc.StatusOK {
		return appendText(b, s.Error, ipc.MaxErrorBytes)
	}
	if s.Prediction.Kind != ipc.Failure {
		return ipc.AppendPrediction(b, &s.Prediction)
	}
	// The one field whose unit differs is changed there and back, which is cheaper
	// than a copy of the whole prediction.
	ns := s.Prediction.Failure
	s.Prediction.Failure = toMs(ns)
	b = ipc.AppendPrediction(b, &s.Prediction)
	s.Prediction.Failure = ns
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
		r.slot(k, a.slot())
	}
	for i := answerFields; i < fields && r.err == nil; i++ {
		r.skip(0) // elements that a later version added
	}
	if err := r.end(); err != nil {
		return internalf("answer: %v", err)
	}
	return nil
}

// errShortSlot is a slot without its second element.
var errShortSlot = errors.New("slot: fewer than 2 elements")

func (r *mpReader) slot(k ipc.Kind, s *Slot) {
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
	for i := slotFields; i < fields && r.err == nil; i++ {
		r.skip(0)
	}
}
