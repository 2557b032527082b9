package load

import (
	"fmt"
	"math"
	"time"
)

// RequiredShare is the part of the intended calls that has to be answered within
// the budget for a run to pass.
const RequiredShare = 0.999

// MaxPacingError is the p99 pacing error above which a run is void, and the pacing error
// above which a call that misses its budget is no failure of the target's.
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
	Remedy string  // of a void run: what would help, for people
}

// What helps a void run.
const (
	calmer = "a quieter machine, fewer neighbours, a lower rate"
	longer = "a longer run, a higher rate"
)

// Verdict judges the run. It is void when it was interrupted, made no call, paced too badly
// or could not keep its own books. Else it passes when the share of all intended calls that was
// answered within the budget is at least required ([RequiredShare]), and else it fails,
// but is void as well
//
//   - when it would pass without the calls that missed the budget and that the generator had
//     started too late: a hundredth of the starts may be, and the promise is about a
//     thousandth. (A target that fails does so with calls that were on time as well.)
//   - when a single late call decides, because it made so few: of 900 calls one is more than a
//     thousandth, and says little about the next thousand.
//
// A run that missed none passes, however short it is; its reason says how many calls that was.
func (r *Result) Verdict(required float64) Verdict {
	all := r.Total()
	v := Verdict{Share: all.Share()}
	pacing := QuantilesOf(r.Pacing).P99
	need := enough(required)
	switch {
	case r.Interrupted && all.Intended == 0:
		v.State, v.Reason = Void, "interrupted before anything was measured"
	case r.Interrupted:
		v.State = Void
		v.Reason = fmt.Sprintf("interrupted after %v of %v", r.Elapsed.Round(100*time.Millisecond), r.Planned)
	case all.Intended == 0:
		v.State, v.Reason, v.Remedy = Void, "no call was made", longer
	case r.Behind > 0:
		v.State, v.Remedy = Void, calmer
		v.Reason = fmt.Sprintf("the load generator could not keep up: it never came to the last %v of its schedule", r.Behind.Round(time.Millisecond))
	case r.Overrun > 0:
		v.State, v.Remedy = Void, calmer
		v.Reason = fmt.Sprintf("the load generator could not keep up: %d starts found no call record", r.Overrun)
	case pacing > MaxPacingError:
		v.State, v.Remedy = Void, calmer
		v.Reason = fmt.Sprintf("the load generator itself was woken too late (p99 pacing error %v, at most %v)",
			pacing.Round(time.Microsecond), MaxPacingError)
	case all.Intended < need && all.Intended-all.InBudget == 1:
		v.State, v.Remedy = Void, longer
		v.Reason = fmt.Sprintf("too few calls to tell %s: one of %d was late, and below %d a single one decides", percent(required), all.Intended, need)
	case v.Share < required && float64(all.InBudget+all.Excused)/float64(all.Intended) >= required:
		v.State, v.Remedy = Void, calmer
		v.Reason = fmt.Sprintf("%s of %d calls answered within %v, and %d of the others were started late by the load generator itself",
			percent(v.Share), all.Intended, r.Budget, all.Excused)
	default:
		v.State = Fail
		if v.Share >= required {
			v.State = Pass
		}
		v.Reason = fmt.Sprintf("%s of %d calls answered within %v, required %s",
			percent(v.Share), all.Intended, r.Budget, percent(required))
		if r.Mode == "closed" {
			v.Reason += "; closed loop: what callers waited for their turn is left out"
		}
	}
	return v
}

// enough is how many calls it takes for a single late one to be allowed; 0 where none ever is.
func enough(required float64) uint64 {
	if required >= 1 {
		return 0
	}
	return uint64(math.Ceil(1/(1-required) - 1e-6))
}

// percent writes a share so that it never rounds up to a whole that it is not.
func percent(share float64) string {
	return fmt.Sprintf("%.3f %%", float64(int64(share*1e5+1e-6))/1e3)
}
