package ladder

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

const (
	ttl   = 100 * time.Millisecond
	bound = time.Second
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name   string
		state  State
		source ipc.Source
		reason ipc.Reason
	}{
		{"model answered", State{Answered: true}, ipc.SourceModel, ipc.ReasonNone},
		{"model answered, cache is fresh too", State{Answered: true, Cached: true, SameQuestion: true}, ipc.SourceModel, ipc.ReasonNone},
		{"answer below the threshold", State{Answered: true, Why: ipc.ReasonLowConfidence}, ipc.SourceRule, ipc.ReasonLowConfidence},
		{"invalid answer, cache is fresh", State{Answered: true, Why: ipc.ReasonInvalidOutput, Cached: true, SameQuestion: true}, ipc.SourceRule, ipc.ReasonInvalidOutput},
		{"demoted", State{Why: ipc.ReasonDemoted, Cached: true}, ipc.SourceRule, ipc.ReasonDemoted},
		{"same question at the TTL", State{Why: ipc.ReasonDeadline, Cached: true, SameQuestion: true, Age: ttl}, ipc.SourceCache, ipc.ReasonNone},
		{"same question past the TTL", State{Why: ipc.ReasonDeadline, Cached: true, SameQuestion: true, Age: ttl + 1}, ipc.SourceStale, ipc.ReasonDeadline},
		{"same subject, young", State{Why: ipc.ReasonOverloaded, Cached: true}, ipc.SourceStale, ipc.ReasonOverloaded},
		{"same subject at the bound", State{Why: ipc.ReasonDaemonUnavailable, Cached: true, Age: bound}, ipc.SourceStale, ipc.ReasonDaemonUnavailable},
		{"same subject past the bound", State{Why: ipc.ReasonDaemonUnavailable, Cached: true, Age: bound + 1}, ipc.SourceRule, ipc.ReasonDaemonUnavailable},
		{"nothing known", State{Why: ipc.ReasonDeadline}, ipc.SourceRule, ipc.ReasonDeadline},
		{"nothing known, nobody asked", State{Why: ipc.ReasonNotCached}, ipc.SourceRule, ipc.ReasonNotCached},
	} {
		c.state.TTL, c.state.StaleBound = ttl, bound
		if source, reason := Choose(c.state); source != c.source || reason != c.reason {
			t.Errorf("%s: Choose(%+v) = %v, %v; want %v, %v", c.name, c.state, source, reason, c.source, c.reason)
		}
	}
}

// Whatever the situation, there is an answer; it names a reason exactly when it is
// not fresh, and nothing known is never called stale.
func TestChooseAlwaysAnswers(t *testing.T) {
	ages := []time.Duration{0, ttl, ttl + 1, bound, bound + 1}
	for _, answered := range []bool{false, true} {
		for _, cached := range []bool{false, true} {
			for _, same := range []bool{false, true} {
				for _, age := range ages {
					for _, why := range ipc.Reasons {
						if !answered && why == ipc.ReasonNone {
							continue // no answer without a reason
						}
						s := State{answered, why, cached, same, age, ttl, bound}
						source, reason := Choose(s)
						fresh := source == ipc.SourceModel || source == ipc.SourceCache
						if source == ipc.SourceNone || fresh != (reason == ipc.ReasonNone) {
							t.Errorf("Choose(%+v) = %v, %v", s, source, reason)
						}
						if !cached && (source == ipc.SourceCache || source == ipc.SourceStale) {
							t.Errorf("Choose(%+v) = %v with nothing cached", s, source)
						}
					}
				}
			}
		}
	}
}
