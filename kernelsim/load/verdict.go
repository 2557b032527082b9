package load

import (
	"fmt"
	"time"
)

// RequiredShare is the part of the intended calls that has to be answered within
// the budget for a run to pass.
const RequiredShare = 0.999

// MaxPacingError is the p99 pacing error above which a run is void.
const MaxPacingError = 100 * time.Microsecond

// State is how a verdict came out.
type State int

// Fail is the zero value on purpose: a verdict that nobody gave is no pass.
const (
	Fail State = iota // measured, and too slow
	Pass              // measured, and fast enough
	Void              // not measured: the figures say nothing about the target
)

// String is the state in lower case, as reports write it.
func (s State) String() string {
	switch s {
	case Pass:
		return "pass"
	case Void:
		return "void"
	}
	return "fail"
}

// Verdict is the one-line result of a run.
type Verdict struct {
	State  State
	Share  float64 // of all intended calls answered within the budget
	Reason string  // a sentence for people
}

// Verdict judges the run: void when it made no call, paced too badly or could not
// keep its own books; else pass when the share of all intended calls that was
// answered within the budget is at least required ([RequiredShare]); else fail.
func (r *Result) Verdict(required float64) Verdict {
	all := r.Total()
	v := Verdict{Share: all.Share()}
	pacing := QuantilesOf(r.Pacing).P99
	switch {
	case all.Intended == 0:
		v.State, v.Reason = Void, "no call was made"
	case r.Overrun > 0:
		v.State = Void
		v.Reason = fmt.Sprintf("the load generator could not keep up: %d starts found no call record", r.Overrun)
	case pacing > MaxPacingError:
		v.State = Void
		v.Reason = fmt.Sprintf("the load generator itself was woken too late (p99 pacing error %v, at most %v)",
			pacing.Round(time.Microsecond), MaxPacingError)
	default:
		v.State = Fail
		if v.Share >= required {
			v.State = Pass
		}
		v.Reason = fmt.Sprintf("%s of %d calls answered within %v, required %s",
			percent(v.Share), all.Intended, r.Budget, percent(required))
	}
	return v
}

// percent writes a share so that it never rounds up to a whole that it is not.
func percent(share float64) string {
	return fmt.Sprintf("%.3f %%", float64(int64(share*1e5+1e-6))/1e3)
}
