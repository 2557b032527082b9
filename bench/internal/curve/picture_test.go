package curve

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// sample is a load curve with a point that is missing figures and a void one.
func sample() Curve {
	var c Curve
	for _, c = range All() {
		if c.Name == LoadCold {
			break
		}
	}
	for i, x := range []float64{100, 200, 300, 400} {
		p := NewPoint(LoadCold, x)
		p.PerSecond, p.InBudget, p.Kept, p.Model, p.Stale = Figure(x), 1, 1, 1, 0
		p.P50, p.P99 = Figure(10*(i+1)), Figure(100*(i+1))
		c.Points = append(c.Points, p)
	}
	c.Points[1].P99 = Missing
	c.Points[2].Void = true
	c.Points[3].InBudget, c.Points[3].Kept, c.Points[3].Model, c.Points[3].Stale = 0.25, 0.25, 0.25, 0.75
	c.Find()
	return c
}

func TestPanelsMapPoints(t *testing.T) {
	c := sample()
	list := c.panels()
	goodput, latency, shares := list[0], list[1], list[2]
	check := func(p panel, name string, want ...dot) {
		t.Helper()
		for _, s := range p.series {
			if s.name == name {
				if !slices.Equal(s.at, want) {
					t.Errorf("%s: %s is at %v, want %v", p.title, name, s.at, want)
				}
				return
			}
		}
		if len(want) > 0 {
			t.Errorf("%s has no series %q", p.title, name)
		}
	}
	check(latency, "p50", dot{100, 10}, dot{200, 20}, dot{400, 40})
	check(latency, "p99", dot{100, 100}, dot{400, 400})
	check(latency, "p99.9") // no point has it: no series
	check(goodput, "by the model, in budget", dot{100, 100}, dot{200, 200}, dot{400, 100})
	check(shares, "stale", dot{100, 0}, dot{200, 0}, dot{400, 75})
	check(shares, "rule")
	if want := []mark{{200, true, "knee 200"}, {budgetMicros, false, "budget"}}; !slices.Equal(latency.marks, want) {
		t.Errorf("marks are %v, want %v", latency.marks, want)
	}
}

// A point is drawn where the axes say.
func TestPictureDrawsPoints(t *testing.T) {
	c := sample()
	picture := string(Picture("a machine & its <name>", []Curve{c}))
	across, up := c.panels()[1].spans()
	for _, d := range []dot{{100, 10}, {400, 40}, {400, 400}} {
		want := fmt.Sprintf(`cx="%.1f" cy="%.1f"`, across.place(d.x), up.place(d.y))
		if !strings.Contains(picture, want) {
			t.Errorf("no dot at %s, for %v", want, d)
		}
	}
	if !strings.Contains(picture, "knee 200") || !strings.Contains(picture, "budget") {
		t.Error("the knee or the budget is not named")
	}
	decoder := xml.NewDecoder(strings.NewReader(picture))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is not well-formed: %v", err)
		}
	}
	for _, word := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(picture, word) {
			t.Errorf("the picture contains %q", word)
		}
	}
}

// Nothing measured, one point, all points void: still a picture.
func TestPictureOfLittle(t *testing.T) {
	one := sample()
	one.Points = one.Points[:1]
	one.Find()
	dead := sample()
	for i := range dead.Points {
		dead.Points[i].Void = true
	}
	dead.Find()
	for name, curves := range map[string][]Curve{"none": nil, "one point": {one}, "all void": {dead}} {
		if p := string(Picture("m", curves)); !strings.HasSuffix(p, "</svg>\n") || strings.Contains(p, "NaN") || strings.Contains(p, "Inf") {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		log, tight bool
		values     []float64
		ticks      []float64
	}{
		{false, false, []float64{3, 8}, []float64{0, 2, 4, 6, 8}},
		{false, false, []float64{1000, 1200}, []float64{0, 500, 1000, 1500}},
		{false, false, []float64{0}, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{true, false, []float64{7, 110}, []float64{1, 10, 100, 1000}},
		{true, false, []float64{100}, []float64{100, 1000}},
		{true, true, []float64{4, 1, 2, 2}, []float64{1, 2, 4}},
	} {
		s := spanOf(c.log, c.tight, c.values, 50, 250)
		got := s.ticks()
		if !slices.EqualFunc(got, c.ticks, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("ticks for %v (log %v, tight %v) = %v, want %v", c.values, c.log, c.tight, got, c.ticks)
		}
		if first, last := s.place(got[0]), s.place(got[len(got)-1]); math.Abs(first-50) > 1e-9 || math.Abs(last-250) > 1e-9 {
			t.Errorf("%v goes from %g to %g, want 50 to 250", c.values, first, last)
		}
	}
}
