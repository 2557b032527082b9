package api

import (
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
)

func appendAnswerJSON(b []byte, a *Answer, batch bool) []byte {
	if batch {
		b = append(b, `{"success":true,"predictions":[`...)
		for i := range a.Slots {
			if i > 0 {
				b = append(b, ',')
			}
			b = a.Slots[i].appendJSON(b)
			if name := a.Slots[i].Model; name != "" && a.Slots[i].Status == ipc.StatusOK {
				b = appendStringMember(b[:len(b)-1], "model", name) // before the brace
				b = append(b, '}')
			}
		}
		b = append(b, `],"count":`...)
		b = strconv.AppendInt(b, int64(len(a.Slots)), 10)
	} else {
		b = append(b, `{"success":true,"prediction":`...)
		b = a.Slots[0].appendJSON(b)
	}
	model := a.Model
	if !batch && a.Slots[0].Model != "" {
		model = a.Slots[0].Model
	}
	b = appendStringMember(b, "model", model)
	b = append(b, `,"latency_ms":`...)
	b = appendMillis(b, a.Latency)
	return append(b, '}')
}

func (s *Slot) appendJSON(b []byte) []byte {
	if s.Status != ipc.StatusOK {
		b = append(b, `{"error":`...)
		b = appendString(b, s.Error)
		b = appendStringMember(b, "status", s.Status.String())
		return append(b, '}')
	}
	switch p := &s.Prediction; p.Kind {
	case ipc.Workload:
		return appendWorkloadPrediction(b, &p.Workload)
	case ipc.Threat:
		return appendThreatPrediction(b, &p.Threat)
	case ipc.Failure:
		return appendFailurePrediction(b, &p.Failure)
	case ipc.Memory:
		return appendMemoryPrediction(b, &p.Memory, s.Form)
	}
	return append(b, "null"...)
}

// AppendError appends the body of a call that failed as a whole.
func AppendError(b []byte, text string) []byte {
	b = append(b, `{"success":false,"error":`...)
	b = appendString(b, text)
	return append(b, '}')
}

// ParseError gives the text of a body written by AppendError, "" when it is none.
func ParseError(body []byte) string {
	var r jsonReader
	r.reset(body)
	text := ""
	if r.peek() != '{' {
		return ""
	}
	for r.enter(); r.member(); {
		if string(r.key) == "error" && r.peek() == '"' {
			s := r.string()
			text = string(s[:min(len(s), ipc.MaxErrorBytes)])
		} else {
			r.skip()
		}
	}
	if r.end() != nil {
		return ""
	}
	return text
}

var answerMembers = fields{"success", "prediction", "predictions", "model", "latency_ms"}

func parseAnswerJSON(body []byte, k ipc.Kind, batch bool, a *Answer) error {
	var r jsonReader
	r.reset(body)
	success := false
	a.setModel(nil)
	a.Beside = ""
	if r.open('{', "answer") {
		var had seen
		for r.member() {
			switch i := r.index(answerMembers, &had); {
			case i == 0:
				success = r.peek() == 't'
				r.skip()
			case i == 1 && !batch:
				r.answerSlot(k, a.slot())
			case i == 2 && batch:
				r.answerSlots(k, a)
			case i == 3:
				a.setModel(r.modelName())
			case i == 4:
				a.Latency, _ = truncate64(r.f64("latency_ms") * nsPerMs)
			case i >= 0:
				r.skip()
			}
		}
	}
	fault := r.takeFault()
	if err := r.end(); err != nil {
		fault = err
	}
	if fault == nil && !success {
		fault = invalidf("no success: %s", quoted([]byte(ParseError(body))))
	}
	if fault != nil {
		return internalf("answer: %s", ErrorText(fault))
	}
	return nil
}

func (r *jsonReader) modelName() []byte {
	if r.peek() != '"' {
		r.mismatch("model", "a string")
		return nil
	}
	s := r.string()
	return s[:min(len(s), ipc.MaxModelBytes)]
}

func (r *jsonReader) answerSlots(k ipc.Kind, a *Answer) {
	if !r.open('[', "predictions") {
		return
	}
	for r.element() {
		if len(a.Slots) == MaxBatch {
			r.err = internalf("more than %d predictions", MaxBatch)
			return
		}
		r.answerSlot(k, a.slot())
	}
}

var failedSlot = fields{"error", "status"}

// answerSlot reads a prediction or an error. Faults of the prediction stay in the
// slot; a fault that an outer object had before is kept for it.
func (r *jsonReader) answerSlot(k ipc.Kind, s *Slot) {
	outer := r.takeFault()
	start := *r
	failed := false
	s.Prediction.Kind = k
	if r.open('{', "prediction") {
		var had seen
		for r.member() {
			if string(r.key) == "error" {
				failed = true
			}
			r.predictionMember(&s.Prediction, &had)
		}
		r.requirePrediction(k, had)
	}
	fault := r.takeFault()
	switch {
	case r.err != nil:
	case failed:
		scratch := r.scratch
		*r = start
		r.scratch = scratch
		r.answerFailure(s)
	case fault != nil:
		s.Fail(internalf("prediction: %s", ErrorText(fault)))
	default:
		if err := s.Prediction.Validate(); err != nil {
			s.Fail(internalf("prediction: %s", camelCase(ErrorText(err))))
		}
	}
	r.fault = outer
}

func (r *jsonReader) predictionMember(p *ipc.Prediction, had *seen) {
	switch p.Kind {
	case ipc.Workload:
		r.workloadMember(&p.Workload, had)
	case ipc.Threat:
		r.threatMember(&p.Threat, had)
	case ipc.Failure:
		r.failureMember(&p.Failure, had)
	case ipc.Memory:
		r.memoryMember(&p.Memory, had)
	default:
		r.skip()
	}
}

func (r *jsonReader) requirePrediction(k ipc.Kind, had seen) {
	switch k {
	case ipc.Workload:
		r.require(workloadAnswer, had, workloadAnswerRequired)
	case ipc.Threat:
		r.require(threatAnswer, had, threatAnswerRequired)
	case ipc.Failure:
		r.require(failureAnswer, had, failureAnswerRequired)
	case ipc.Memory:
		r.require(memoryAnswer, had, memoryAnswerRequired)
	}
}

// answerFailure reads {"error":"…","status":"…"}. The origin gives no status, and
// what went wrong over there cannot be known here: StatusInternal.
func (r *jsonReader) answerFailure(s *Slot) {
	*s = Slot{Status: ipc.StatusInternal, Error: "unspecified"}
	var had seen
	for r.enter(); r.member(); {
		i := r.index(failedSlot, &had)
		switch {
		case i < 0:
		case r.peek() != '"':
			r.skip()
		case i == 0:
			text := r.string()
			s.Error = string(text[:min(len(text), ipc.MaxErrorBytes)])
		default:
			name := r.string()
			for _, status := range ipc.Statuses[1:] {
				if string(name) == status.String() {
					s.Status = status
				}
			}
		}
	}
	r.takeFault()
}
