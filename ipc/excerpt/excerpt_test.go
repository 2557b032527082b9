package excerpt

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 0, ""},
		{"", 4, ""},
		{"abcd", 4, "abcd"},
		{"abcde", 4, "abcd"},
		{"abcé", 4, "abc"},
		{"abcé", 5, "abcé"},
		{"é", 1, ""},
		{"€", 2, ""},
		{"😀😀", 7, "😀"},
		{"a😀", 4, "a"},
		{"abc", 0, ""},
		{"\x80\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80"}, // of no character
		{"abc\xff\xff\xff", 4, "abc\xff"},
	} {
		if got := Cut(c.text, c.most); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
		want := c.want
		if want != c.text {
			want += "…"
		}
		if got := Of(c.text, c.most); got != want {
			t.Errorf("Of(%q, %d) = %q, want %q", c.text, c.most, got, want)
		}
		if got := Of([]byte(c.text), c.most); got != want {
			t.Errorf("Of of the bytes %q, %d = %q, want %q", c.text, c.most, got, want)
		}
	}
}

// TestCutEverywhere tries all texts of up to six of these: what comes is the beginning, never
// longer than wanted, no shorter than it must be, and whole characters where the text has
// them.
func TestCutEverywhere(t *testing.T) {
	parts := []string{"a", "é", "€", "😀", "\x80", "\xf0"}
	var try func(text string, n int)
	try = func(text string, n int) {
		for most := range len(text) + 2 {
			got := Cut(text, most)
			switch {
			case !strings.HasPrefix(text, got), len(got) > most,
				len(got) < len(text) && len(got) <= most-utf8.UTFMax,
				utf8.ValidString(text) && !utf8.ValidString(got):
				t.Fatalf("Cut(%q, %d) = %q", text, most, got)
			}
		}
		if n == 0 {
			return
		}
		for _, p := range parts {
			try(text+p, n-1)
		}
	}
	try("", 6)
}
