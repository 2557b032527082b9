package nearest

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	names := []string{"socket", "upstream", "upstream-timeout", "ttl", "max-ttl", "current_cpu", "component"}
	for wrong, want := range map[string]string{
		"sokcet":                  "socket",
		"tlt":                     "ttl",
		"UpstreamTimeout":         "upstream-timeout",
		"currentCpu":              "current_cpu",
		"tl":                      "ttl",
		"max_ttl":                 "max-ttl",
		"componnent":              "component",
		"colour":                  "",
		"":                        "",
		strings.Repeat("ttl", 30): "",
	} {
		if got := Name(wrong, names); got != want {
			t.Errorf("Name(%q) = %q, want %q", wrong, got, want)
		}
	}
	if got := Name("ttl", nil); got != "" {
		t.Errorf("of no names: %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}, {"rnu", "run", 1}, {"laod", "load", 1}, {"ca", "abc", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
