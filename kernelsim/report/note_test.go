package report

import "testing"

// Notes write figures as the columns beside them do.
func TestNotes(t *testing.T) {
	for want, got := range map[string]string{
		"rule alone: 2.5 ms": RuleAlone(2.5, "ms"),
		"rule alone: 0":      RuleAlone(0, ""),
		"rule alone: 11,420": RuleAlone(11_420, ""),
		"rule alone: −0.5":   RuleAlone(-0.5, ""),
		"541,685":            Count(541_685),
		"0":                  Count(uint64(0)),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
