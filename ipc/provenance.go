package ipc

import "fmt"

// Source is the rung of the ladder an answer came from. Every reply carries one.
type Source uint8

// The rungs, best first. SourceNone goes with a status other than ok.
const (
	SourceNone  Source = 0 // no answer
	SourceModel Source = 1 // a model answered this very question
	SourceCache Source = 2 // a model answered the same question less than a TTL ago
	SourceStale Source = 3 // a model answered about this subject within the stale bound
	SourceRule  Source = 4 // the rule of this kind answered
)

// Sources lists every source in wire order.
var Sources = [...]Source{SourceNone, SourceModel, SourceCache, SourceStale, SourceRule}

var sourceNames = [...]string{"none", "model", "cache", "stale", "rule"}

// Valid reports whether s is a known source.
func (s Source) Valid() bool { return int(s) < len(sourceNames) }

// String gives the name used in JSON, metrics and reports.
func (s Source) String() string {
	if s.Valid() {
		return sourceNames[s]
	}
	return fmt.Sprintf("source(%d)", uint8(s))
}

// Reason says why an answer is not fresh from the model.
type Reason uint8

// The reasons. ReasonNone goes with an answer from the model or a fresh cache.
const (
	ReasonNone              Reason = 0
	ReasonDaemonUnavailable Reason = 1  // no upstream accepts calls
	ReasonBreakerOpen       Reason = 2  // the upstream failed lately; not asked
	ReasonDeadline          Reason = 3  // the model's answer would have come too late
	ReasonOverloaded        Reason = 4  // a bounded queue was full
	ReasonLowConfidence     Reason = 5  // the model's confidence is below the threshold
	ReasonDemoted           Reason = 6  // the rule has been better than the model lately
	ReasonInvalidOutput     Reason = 7  // the model's answer to this question was no number, outside its range, or an error
	ReasonBridgeUnavailable Reason = 8  // written by clients only: no connection to the bridge
	ReasonNotCached         Reason = 9  // written by clients only: Lookup does not wait
	ReasonRefreshing        Reason = 10 // a newer answer is on its way, and this one is hardly older than fresh
	ReasonSwitchedOff       Reason = 11 // the operator has turned the models off
)

// Reasons lists every reason in wire order.
var Reasons = [...]Reason{
	ReasonNone, ReasonDaemonUnavailable, ReasonBreakerOpen, ReasonDeadline, ReasonOverloaded,
	ReasonLowConfidence, ReasonDemoted, ReasonInvalidOutput, ReasonBridgeUnavailable, ReasonNotCached, ReasonRefreshing,
	ReasonSwitchedOff,
}

var reasonNames = [...]string{
	"", "daemon unavailable", "breaker open", "deadline", "overloaded",
	"low confidence", "demoted", "invalid output", "bridge unavailable", "not cached", "refreshing",
	"switched off",
}

// Valid reports whether r is a known reason.
func (r Reason) Valid() bool { return int(r) < len(reasonNames) }

// Condemns reports whether the reason is about the model itself and not about this
// question: then its older answers are no better.
func (r Reason) Condemns() bool { return r == ReasonDemoted || r == ReasonSwitchedOff }

// String gives the phrase used in JSON, metrics and reports; "" for ReasonNone.
func (r Reason) String() string {
	if r.Valid() {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}
