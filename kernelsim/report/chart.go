package report

import (
	"fmt"
	"math"
	"strings"
)

// chart is a plot ready to be written as SVG: positions are in its own units,
// which are CSS pixels at its natural size. Each plot is made twice, wide and
// narrow, and the page shows the one that fits: a wide one scaled down to a phone
// would have unreadable text.
type chart struct {
	ID     string
	Class  string // "wide" or "narrow"
	Label  string // for those who do not see it
	W, H   float64
	Area   box // what the axes enclose
	X, Y   []tick
	XName  string
	YName  string
	Shades []shade // behind everything
	Areas  []path
	Lines  []path
	Bars   []bar
	Marks  []mark // budget and requirement
	Dots   []dot
	Hits   []hit // invisible, with a tooltip
	Texts  []text
}

type box struct{ X, Y, W, H float64 }

func (b box) right() float64  { return b.X + b.W }
func (b box) bottom() float64 { return b.Y + b.H }

// Right and Bottom are the far edges, for the template.
func (b box) Right() float64  { return b.right() }
func (b box) Bottom() float64 { return b.bottom() }

type tick struct {
	At   float64
	Text string // none for a minor tick
}

// path is a line or an area in the colour of its series.
type path struct {
	Series int
	D      string
	Tip    string
}

type bar struct {
	box
	Class, Tip string
}

type shade struct {
	box
	Tip string
}

type hit struct {
	box
	Tip string
}

// mark is a straight reference line with a word on it.
type mark struct {
	X1, Y1, X2, Y2 float64
	TextX, TextY   float64
	Anchor, Text   string
}

type dot struct {
	X, Y   float64
	Series int
}

type text struct {
	X, Y          float64
	Anchor, Class string
	Text          string
}

// size is one of the two sizes of a plot.
type size struct {
	class string
	w, h  float64
	ticks int // how many labels fit on the x axis
}

// The narrow size is that of a phone of 360 px less margins.
var sizes = []size{{"wide", 880, 340, 10}, {"narrow", 340, 280, 5}}

// newChart lays out an empty chart with room for axis labels.
func newChart(id, label string, s size) *chart {
	left := 62.0
	if s.class == "narrow" {
		left = 50
	}
	return &chart{
		ID: id + "-" + s.class, Class: s.class, Label: label, W: s.w, H: s.h,
		Area: box{left, 16, s.w - left - 24, s.h - 16 - 46},
	}
}

// scale maps values to positions; log scales take values above 0 only.
type scale struct {
	low, high float64 // values
	from, to  float64 // positions
	log       bool
}

func (s scale) at(v float64) float64 {
	a, b, x := s.low, s.high, min(max(v, s.low), s.high)
	if s.log {
		a, b, x = math.Log(a), math.Log(b), math.Log(x)
	}
	if b == a {
		return s.from
	}
	return s.from + (x-a)/(b-a)*(s.to-s.from)
}

// logAround is a log scale over whole decades, or halves of one, around all of values.
func logAround(from, to float64, values ...float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		low, high = 1, 1000
	}
	low = math.Pow(10, math.Floor(math.Log10(low)+1e-9))
	high = math.Pow(10, math.Ceil(math.Log10(high)-1e-9))
	if high <= low {
		high = low * 10
	}
	return scale{low: low, high: high, from: from, to: to, log: true}
}

// decades puts a labelled tick at each power of ten and minor ones between.
func (s scale) decades(label func(float64) string) []tick {
	var out []tick
	for d := s.low; d <= s.high*1.001; d *= 10 {
		out = append(out, tick{s.at(d), label(d)})
		for m := 2.0; m < 10 && d*m < s.high; m++ {
			out = append(out, tick{At: s.at(d * m)})
		}
	}
	return out
}

// round puts about n labelled ticks at round values of a linear scale.
func (s scale) round(n int, label func(float64) string) []tick {
	step := roundStep(s.high-s.low, n)
	var out []tick
	for i := math.Ceil(s.low / step); i*step <= s.high*(1+1e-9); i++ {
		out = append(out, tick{s.at(i * step), label(i * step)})
	}
	return out
}

// roundStep is 1, 2 or 5 times a power of ten, so that span has at most n steps.
func roundStep(span float64, n int) float64 {
	raw := span / float64(max(n, 1))
	if !(raw > 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if p*m >= raw*(1-1e-9) {
			return p * m
		}
	}
	return p * 10
}

// pen writes SVG path data.
type pen struct{ strings.Builder }

func (p *pen) move(x, y float64)    { fmt.Fprintf(p, "M%.1f %.1f", x, y) }
func (p *pen) line(x, y float64)    { fmt.Fprintf(p, "L%.1f %.1f", x, y) }
func (p *pen) horizontal(x float64) { fmt.Fprintf(p, "H%.1f", x) }
func (p *pen) vertical(y float64)   { fmt.Fprintf(p, "V%.1f", y) }
