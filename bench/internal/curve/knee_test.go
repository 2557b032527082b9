package curve

import (
	"math"
	"strings"
	"testing"
)

// load gives a point of a load curve: rate offered, part of it answered, part of the
// calls answered by the model in the budget.
func load(x, answered, kept float64) Point {
	p := NewPoint(LoadHit, x)
	p.PerSecond, p.Kept = Figure(answered*x), Figure(kept)
	return p
}

func void(p Point) Point {
	p.Void = true
	return p
}

func TestSaturation(t *testing.T) {
	for _, c := range []struct {
		name   string
		points []Point
		at     int
		found  bool
		says   string
	}{
		{"late answers", []Point{load(1000, 1, 1), load(2000, 1, 0.99), load(4000, 1, 0.98)}, 1, true, "2,000 a second; 4,000 is too much"},
		{"a rate that is not reached", []Point{load(1000, 1, 1), load(2000, 0.94, 1)}, 0, true, "1,000 a second; 2,000"},
		{"what recovers above the first failure does not count", []Point{load(1, 1, 1), load(2, 1, 0.5), load(3, 1, 1)}, 0, true, "1 a second; 2 is"},
		{"a void point below the knee", []Point{load(1, 1, 1), void(load(2, 1, 0)), load(3, 1, 1), load(4, 1, 0)}, 2, true, "3 a second; 4 is"},
		{"a void point at the knee", []Point{load(1, 1, 1), void(load(2, 1, 0)), load(3, 1, 0)}, 0, true, "1 a second; 3 is"},
		{"void to the end", []Point{load(1, 1, 1), void(load(2, 1, 0))}, 0, false, "above it the generator was late"},
		{"never", []Point{load(1, 1, 1), load(2, 1, 1)}, 1, false, "not reached: 2 a second"},
		{"always", []Point{load(1, 1, 0.5), load(2, 1, 1)}, -1, false, "below 1 a second"},
		{"nothing measured", []Point{void(load(1, 1, 0.5))}, -1, false, "not measured"},
	} {
		at, found, says := Saturation(c.points)
		if at != c.at || found != c.found || !strings.Contains(says, c.says) {
			t.Errorf("%s: Saturation = %d, %v, %q; want %d, %v and %q", c.name, at, found, says, c.at, c.found, c.says)
		}
	}
}

func costs(values ...float64) (points []Point) {
	for i, v := range values {
		p := NewPoint(ActiveConns, math.Pow(10, float64(i)))
		p.P50 = Figure(v)
		points = append(points, p)
	}
	return points
}

func TestGrowth(t *testing.T) {
	rule := Growth("the p50", func(p *Point) float64 { return float64(p.P50) })
	missing := float64(Missing)
	for _, c := range []struct {
		costs []float64
		at    int
		found bool
		says  string
	}{
		{[]float64{10, 12, 20, 21}, 2, true, "100: beyond it the p50 more than doubles"},
		{[]float64{10, 20, 20}, 2, false, "none up to 100"},
		{[]float64{30, 10, 19, 21}, 2, true, "100: beyond"}, // to the lowest, not to the first
		{[]float64{10, missing, 25}, 1, true, "10: beyond"},
		{[]float64{missing, missing}, -1, false, "not measured"},
	} {
		at, found, says := rule(costs(c.costs...))
		if at != c.at || found != c.found || !strings.Contains(says, c.says) {
			t.Errorf("Growth(%v) = %d, %v, %q; want %d, %v and %q", c.costs, at, found, says, c.at, c.found, c.says)
		}
	}
}

func TestReturn(t *testing.T) {
	at := func(rates ...float64) (points []Point) {
		for i, r := range rates {
			p := NewPoint(Batch, math.Pow(2, float64(i)))
			p.PerSecond = Figure(r)
			points = append(points, p)
		}
		return points
	}
	for _, c := range []struct {
		points []Point
		want   int
		found  bool
	}{
		{at(10, 50, 90, 95, 100), 2, true},
		{at(10, 100, 80), 1, true}, // more is worse
		{at(7), 0, true},
		{nil, -1, false},
	} {
		if got, found, says := Return(c.points); got != c.want || found != c.found {
			t.Errorf("Return(%v) = %d, %v, %q; want %d, %v", c.points, got, found, says, c.want, c.found)
		}
	}
}

// Only the knee's own point is marked, and none where there is no knee.
func TestFindMarksTheKnee(t *testing.T) {
	c := Curve{Rule: Saturation, Points: []Point{load(1, 1, 1), load(2, 1, 1), load(3, 1, 0)}}
	c.Find()
	for i, want := range []bool{false, true, false} {
		if c.Points[i].Knee != want {
			t.Errorf("point %d: knee is %v", i, !want)
		}
	}
	c.Points = c.Points[:2]
	c.Find()
	if c.HasKnee || c.Points[1].Knee {
		t.Error("a knee was found where every load was served")
	}
}
