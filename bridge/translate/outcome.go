package translate

import (
	"math"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// outcome is one report while it is read: the kind decides what "actual" means and
// which of the two subjects must be there, so it is known before the rest.
type outcome struct {
	kind ipc.Kind
	ipc.Outcome
}

// DecodeOutcomes reads one report, or {"outcomes":[…]} with 1 to limit of them.
//
// It is all or nothing: reports are facts that will not be asked for again, so a
// caller must know that either every one was taken or none, and which one was
// wrong.
func DecodeOutcomes(text []byte, limit int) ([]ipc.Outcome, error) {
	s := scanner{b: text}
	var out []ipc.Outcome
	if s.has("outcomes") {
		read(&s, []field[[]ipc.Outcome]{{
			name: "outcomes",
			get: func(s *scanner, out *[]ipc.Outcome) {
				*out = list(s, limit, s.outcome)
				if s.err == nil && len(*out) == 0 {
					s.fail("empty, want 1-%d reports", limit)
				}
			},
		}}, &out)
	} else {
		out = []ipc.Outcome{s.outcome()}
	}
	s.end()
	if s.err != nil {
		return nil, s.err
	}
	return out, nil
}

func (s *scanner) outcome() ipc.Outcome {
	if s.peek() != '{' {
		s.want("an object")
		return ipc.Outcome{}
	}
	name, found := s.lookup("kind")
	if !found {
		s.noKind()
		return ipc.Outcome{}
	}
	k, err := ipc.ParseKind(name)
	if err != nil {
		mark := s.push("kind")
		s.fail("want workload, threat, failure or memory, got %s", quoted(name))
		s.pop(mark)
		return ipc.Outcome{}
	}
	o := outcome{kind: k}
	read(s, outcomeTable(k), &o)
	if s.err == nil {
		if err := o.Actual.Validate(); err != nil {
			s.refuse("actual", err)
		}
	}
	return o.Outcome
}

// outcomeTable gives the members of a report about kind k.
func outcomeTable(k ipc.Kind) []field[outcome] {
	table := []field[outcome]{
		{
			name: "prediction_id",
			get:  func(s *scanner, o *outcome) { o.PredictionID = s.u64() },
			put:  func(w *writer, o *outcome) { w.u64(o.PredictionID) },
		},
		{
			name: "kind",
			get:  func(s *scanner, _ *outcome) { s.text() },
			put:  func(w *writer, o *outcome) { w.text(o.kind.String()) },
		},
		{
			name: "agent_id",
			get:  func(s *scanner, o *outcome) { o.Subject.Agent = s.u64() },
			put:  func(w *writer, o *outcome) { w.u64(o.Subject.Agent) },
		},
		{
			name: "observed_ago_ns",
			get:  func(s *scanner, o *outcome) { o.Ago = s.nanos() },
			put:  func(w *writer, o *outcome) { w.u64(uint64(max(o.Ago, 0))) },
		},
		{
			name: "actual",
			get:  func(s *scanner, o *outcome) { s.actual(o.kind, &o.Outcome) },
			put:  func(w *writer, o *outcome) { w.happened(&o.Outcome) },
		},
	}
	if k == ipc.Failure {
		table[2] = field[outcome]{
			name: "component",
			get:  func(s *scanner, o *outcome) { o.Subject.Component = s.component() },
			put:  func(w *writer, o *outcome) { w.text(o.Subject.Component) },
		}
	}
	return table
}

// AppendOutcome appends o as the object that DecodeOutcomes reads.
func AppendOutcome(b []byte, o *ipc.Outcome, f Form) ([]byte, error) {
	w := writer{b: b, form: f}
	write(&w, outcomeTable(o.Actual.Kind), &outcome{kind: o.Actual.Kind, Outcome: *o})
	return w.b, w.err
}

// nanos reads a duration of nanoseconds that a time.Duration holds (292 years).
func (s *scanner) nanos() time.Duration {
	const want = "an integer 0-9223372036854775807 or a string of its digits"
	v := s.unsigned(want)
	if v > math.MaxInt64 {
		s.fail("%d is not %s", v, want)
		return 0
	}
	return time.Duration(v)
}

// component reads a component's name; requests have it checked by Validate.
func (s *scanner) component() string {
	v := s.text()
	if s.err == nil && (len(v) < 1 || len(v) > ipc.MaxComponentBytes) {
		s.fail("%d bytes, want 1-%d", len(v), ipc.MaxComponentBytes)
	}
	return v
}
