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
