package main

import (
	"strings"
	"testing"
)

// TestComplaintsWaitForTheEnd of kernelsim, which draws on the terminal, and are for people.
func TestComplaintsWaitForTheEnd(t *testing.T) {
	_, said := local(t, "complaints", nil)
	during, after, _ := strings.Cut(said, "the end\n")
	for _, want := range []string{"mld: ", "WRN hard times why=none\n", "\nmld: no JSON\n", "\nml-bridge: no JSON\n"} {
		if !strings.Contains("\n"+after, want) || strings.Contains(during, "hard times") {
			t.Errorf("%q does not follow kernelsim's end in\n%s", want, said)
		}
	}
}

// TestComplaintsAreBounded: what was not kept is counted.
func TestComplaintsAreBounded(t *testing.T) {
	var shown strings.Builder
	a := &aside{w: &shown}
	a.hold()
	for range maxKept + 7 {
		a.say("mld", []byte("again"))
	}
	if shown.Len() > 0 {
		t.Errorf("shown while held: %q", &shown)
	}
	a.release()
	a.say("mld", []byte("at once"))
	if got := shown.String(); strings.Count(got, "mld: again\n") != maxKept || !strings.HasSuffix(got, "and 7 more lines of the daemons' logs\nmld: at once\n") {
		t.Errorf("shown:\n%s", got)
	}
}
