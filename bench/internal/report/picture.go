package report

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"

	"github.com/mlbridge/mlbridge/bench/internal/row"
)

// The picture's measures, in pixels.
const (
	barHeight, barGap  = 16, 6
	labelWidth, axis   = 170, 520
	rightSpace, header = 120, 58
)

// SVG draws the ratios as bars on a logarithmic axis: they span four orders of
// magnitude, and on it equal distances are equal factors.
func SVG(m Machine, all []row.Figures) []byte {
	var bars []line
	low, high := 1.0, 1.0
	for i := range all {
		if l := newLine(&all[i]); l.RatioToC != nil && *l.RatioToC > 0 {
			bars = append(bars, l)
			low, high = min(low, *l.RatioToC), max(high, *l.RatioToC)
		}
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high)+1e-9)
	x := func(v float64) float64 { return labelWidth + axis*(math.Log10(v)-from)/(to-from) }
	height := header + len(bars)*(barHeight+barGap) + 30

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", labelWidth+axis+rightSpace, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	fmt.Fprintf(&b, `<text x="10" y="20" font-size="14">p50 of a call against a C ping-pong over a Unix socket, all processes on one core</text>`+"\n")
	fmt.Fprintf(&b, `<text x="10" y="38" fill="#666">%s</text>`+"\n", escape(m.String()))
	for decade := from; decade <= to; decade++ {
		at := x(math.Pow(10, decade))
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#ddd"/>`, at, at, header-6, height-24)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#666">%g×</text>`+"\n", at, height-8, math.Pow(10, decade))
	}
	for i, l := range bars {
		y := header + i*(barHeight+barGap)
		one, end := x(1), x(*l.RatioToC)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, y+12, escape(l.Name))
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, min(one, end), y, max(1, math.Abs(end-one)), barHeight, colour(l.Name))
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.3g</text>`+"\n", max(one, end)+5, y+12, *l.RatioToC)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// colour tells our own rows from the floor and from the others.
func colour(name string) string {
	switch {
	case name == row.FloorName:
		return "#444"
	case strings.HasPrefix(name, "client-"), strings.HasPrefix(name, "bridge-"), strings.HasPrefix(name, "cold-"), strings.HasPrefix(name, "shipped-"):
		return "#2a7f62"
	}
	return "#b9770e"
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
