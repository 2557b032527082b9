package httpapi

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every text of the page can be read on its ground, and every line and area told from
// it, by day and by night: WCAG 2.2 asks for a contrast of 4.5 (1.4.3) and 3 (1.4.11).
func TestContrast(t *testing.T) {
	parts := strings.Split(pageStyle, "\n  color-scheme: ")
	if len(parts) != 4 || !strings.HasPrefix(parts[1], "light") || !strings.HasPrefix(parts[2], "dark") || !strings.HasPrefix(parts[3], "dark") {
		t.Fatalf("the style has %d colour schemes, want light, dark of the system, and dark chosen", len(parts)-1)
	}
	light, dark, chosen := colours(parts[1]), colours(parts[2]), colours(parts[3])
	for name, c := range dark {
		if chosen[name] != c {
			t.Errorf("--%s: dark of the system and dark chosen differ", name)
		}
	}
	for scheme, set := range map[string]map[string]rgb{"light": light, "dark": dark} {
		if len(set) < 20 {
			t.Errorf("%s has %d colours: the style is not read right", scheme, len(set))
		}
		for name, c := range set {
			want := 3.0
			switch name {
			case "card", "ground", "line":
				continue
			case "text", "soft", "accent", "good", "warn", "bad":
				want = 4.5
			}
			for _, ground := range []string{"card", "ground"} {
				if got := contrast(c, set[ground]); got < want {
					t.Errorf("%s: --%s on --%s has a contrast of %.2f, want %v", scheme, name, ground, got, want)
				}
			}
		}
	}
}

type rgb [3]uint8

var colour = regexp.MustCompile(`--([a-z0-9]+): #([0-9a-f]{6});`)

func colours(css string) map[string]rgb {
	set := make(map[string]rgb)
	for _, m := range colour.FindAllStringSubmatch(css, -1) {
		n, _ := strconv.ParseUint(m[2], 16, 32) // the expression matched six hex digits
		set[m[1]] = rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}
	}
	return set
}

// contrast is the ratio of relative luminances (WCAG 2.2, "contrast ratio").
func contrast(a, b rgb) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c rgb) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}
