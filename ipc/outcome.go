package ipc

import (
	"math"
	"time"
)

// Outcome reports what really happened after a prediction. It travels one way,
// in batches, and is never answered. The first one under an id is scored; another is counted
// as a duplicate and changes nothing.
type Outcome struct {
	PredictionID uint64 // as in the reply; one of 0 is not scored
	Subject      Subject
	Ago          time.Duration // how long ago it was observed, ≥ 0
	// Actual holds the observed values in the prediction's own fields: the cpu
	// share that came, 1 or 0 for an attack or a failure that did or did not
	// happen, the address that was touched. Confidence is ignored.
	Actual Prediction
	// Unobserved are the values that nobody measured, or knows: what Actual has in their
	// place says nothing. A gpu and a time that are not there need not be among them, nor a
	// threat's type that is none.
	Unobserved Targets
}

const outcomeFields = 5 // unobserved follows where there is any

func appendOutcomes(b []byte, outcomes []Outcome) []byte {
	b = appendArray(b, 2)
	b = appendUint(b, uint64(msgOutcome))
	b = appendArray(b, len(outcomes))
	for i := range outcomes {
		o := &outcomes[i]
		n := outcomeFields
		if o.Unobserved != 0 {
			n++
		}
		b = appendArray(b, n)
		b = appendUint(b, o.PredictionID)
		b = appendUint(b, uint64(o.Actual.Kind))
		if o.Actual.Kind == Failure {
			b = appendString(b, o.Subject.Component)
		} else {
			b = appendUint(b, o.Subject.Agent)
		}
		b = appendUint(b, uint64(max(o.Ago, 0)))
		if b = AppendPrediction(b, &o.Actual); o.Unobserved != 0 {
			b = appendUint(b, uint64(o.Unobserved))
		}
	}
	return b
}

// outcomes reads the outcomes of a message into the storage of dst. One that is
// well formed but impossible is left out and the first such is returned as a
// *StatusError, for a notice; the others count. Broken bytes set the reader's error.
func (r *reader) outcomes(dst []Outcome, n int, lim *Limits) (_ []Outcome, refused error) {
	if r.err == nil && n < 2 {
		r.fail(FaultMissing, "outcome: %d elements, at least 2", n)
	}
	count := r.array("outcomes", lim.Batch)
	dst = dst[:0]
	for range count {
		o, err := r.outcome()
		if r.err != nil {
			return dst, nil
		}
		if err == nil {
			dst = append(dst, o)
		} else if refused == nil {
			refused = err
		}
	}
	r.skipRest(n, 2)
	r.end()
	return dst, refused
}

func (r *reader) outcome() (o Outcome, err error) {
	start := r.off
	n := r.tuple("outcome", outcomeFields)
	o.PredictionID = r.u64("prediction_id")
	kind := Kind(r.int("kind", int64(Workload), int64(Memory)))
	if kind == Failure {
		o.Subject.Component = string(r.bytes("component", MaxComponentBytes))
	} else {
		o.Subject.Agent = r.u64("agent_id")
	}
	o.Ago = time.Duration(r.uint("observed_ago", math.MaxInt64))
	o.Actual.parse(r, kind)
	known := outcomeFields
	if n > known {
		known++
		o.Unobserved = r.targets(kind)
	}
	r.skipRest(n, known)
	if r.err != nil {
		return o, r.refuse(start, r.err)
	}
	if kind == Failure && o.Subject.Component == "" {
		return o, invalidf("component: 0 bytes, want 1-%d", MaxComponentBytes)
	}
	return o, o.Actual.Validate()
}
