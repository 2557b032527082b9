package modeldesk

import (
	"fmt"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/registry"
)

// TestSuggestions are few, and the newest, however many models there are.
func TestSuggestions(t *testing.T) {
	var v View
	for i := range 30 {
		v.Models = append(v.Models, registry.Listed{Model: fmt.Sprintf("mine@%d", 10+i)})
	}
	v.Models = append(v.Models, registry.Listed{Model: "other@1"})
	const newest = "mine@33, mine@34, mine@35, mine@36, mine@37, mine@38, mine@39, other@1"
	for model, want := range map[string]string{
		"mine@50":  "no such model: did you mean mine@32 or mine@33 or mine@34 or mine@35 or mine@36 or mine@37 or mine@38 or mine@39?",
		"other@2":  "no such model: did you mean other@1?",
		"theirs@1": "no such model: there are " + newest + " and 23 older ones",
	} {
		if got := v.suggest(Decision{What: Promote, Model: model}, registry.ErrUnknown).Error(); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
}

// TestServingIsWhatAnswers: where the rule answers nothing is said to serve but the rule.
func TestServingIsWhatAnswers(t *testing.T) {
	const all, some = "the rule has been better than mine@1: the rule serves", "the rule has been better than mine@1 at gpu: there the rule serves"
	for want, s := range map[string]Serving{
		"mine@1 serves, from x":            {},
		"mine@1 serves, from x; " + some:   {Ruled: some},
		"mine@1 is loaded, from x; " + all: {Ruled: all, Idle: true},
		"mine@1 is loaded, from x; mine@2 is loaded for a share of 0.1, 1 invalid output; " + all: {Ruled: all, Idle: true, Candidate: "mine@2", Share: 0.1, CandidateInvalid: 1},
		"mine@1 is loaded, from x; mine@2 is loaded for the shadow; " + all:                       {Ruled: all, Idle: true, Candidate: "mine@2"},
	} {
		s.Model, s.From = "mine@1", "x"
		if got := s.text(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := (Serving{Ruled: all, Idle: true}).text(); got != "no model serves" {
		t.Errorf("of none: %q", got)
	}
}
