package tail

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// The picture's measures, in pixels.
const (
	pictureTop   = 96
	pictureLeft  = 210
	pictureWide  = 620 // of the axis
	pictureRight = 80
	lineHigh     = 17
	groupGap     = 16
)

// pictureStyle has both colour schemes: a picture in a page has no other way to know.
const pictureStyle = `<style>
text { fill: #1f2328; } .faint { fill: #656d76; } .back { fill: #ffffff; } .grid { stroke: #d0d7de; } .budget { stroke: #bf3989; stroke-dasharray: 4 3; } .budget-text { fill: #bf3989; }
.c-floor { stroke: #57606a; fill: #57606a; } .hit { stroke: #1a7f37; fill: #1a7f37; } .cold { stroke: #0969da; fill: #0969da; } .cold-500ms { stroke: #8250df; fill: #8250df; } .sleeper { stroke: #9a6700; fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .faint { fill: #8b949e; } .back { fill: #0d1117; } .grid { stroke: #30363d; } .budget { stroke: #f778ba; } .budget-text { fill: #f778ba; }
.c-floor { stroke: #9198a1; fill: #9198a1; } .hit { stroke: #3fb950; fill: #3fb950; } .cold { stroke: #58a6ff; fill: #58a6ff; } .cold-500ms { stroke: #bc8cff; fill: #bc8cff; } .sleeper { stroke: #d29922; }
}
</style>
`

// picture draws onto a logarithmic axis of time.
type picture struct {
	strings.Builder
	from, to float64 // powers of ten, µs
}

func (p *picture) x(us float64) float64 {
	decade := min(math.Log10(max(us, 1)), p.to) // a call without an answer took longer than any axis
	return pictureLeft + pictureWide*(decade-p.from)/(p.to-p.from)
}

// SVG draws each kind of call under each condition as a line from its p50 over its p99
// to its p99.9, with the worst beyond, and beside it how late a thread was that only
// slept.
func (r *Report) SVG() []byte {
	p := &picture{from: 1, to: 4}
	groups := 0
	for i := range r.Rows {
		v := &r.Rows[i]
		p.from = min(p.from, math.Floor(math.Log10(max(v.P50, 1))))
		p.to = max(p.to, math.Ceil(math.Log10(max(v.Max, v.Sleeper.P999, 1))))
		if i == 0 || r.Rows[i-1].Condition != v.Condition {
			groups++
		}
	}
	height := pictureTop + len(r.Rows)*lineHigh + groups*groupGap + 34
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		pictureLeft+pictureWide+pictureRight, height, pictureLeft+pictureWide+pictureRight, height)
	p.WriteString(pictureStyle)
	p.WriteString(`<rect class="back" width="100%" height="100%"/>` + "\n")
	p.head(r, height)
	y := pictureTop
	for i := range r.Rows {
		v := &r.Rows[i]
		if i == 0 || r.Rows[i-1].Condition != v.Condition {
			y += groupGap
			fmt.Fprintf(p, `<text x="10" y="%d" font-weight="bold">%s</text>`+"\n", y+4, escape(v.title))
		}
		p.row(v, y)
		y += lineHigh
	}
	p.WriteString("</svg>\n")
	return []byte(p.String())
}

// head draws the title, the legend and the axis.
func (p *picture) head(r *Report, height int) {
	fmt.Fprintf(p, `<text x="10" y="22" font-size="15">From the intended start of a call to its answer, %d calls a second</text>`+"\n", r.Rate)
	fmt.Fprintf(p, `<text class="faint" x="10" y="40">%s</text>`+"\n", escape(r.Machine.String()))
	const y = 62
	fmt.Fprintf(p, `<g class="faint"><circle class="c-floor" cx="16" cy="%d" r="4"/><text class="faint" x="26" y="%d">p50</text>`, y-4, y)
	fmt.Fprintf(p, `<path class="c-floor" d="M66 %d v10" stroke-width="2"/><text class="faint" x="74" y="%d">p99</text>`, y-9, y)
	fmt.Fprintf(p, `<path class="c-floor" d="M114 %d l6 -6 v12 z"/><text class="faint" x="126" y="%d">p99.9</text>`, y-4, y)
	fmt.Fprintf(p, `<circle class="c-floor" cx="178" cy="%d" r="1.5"/><text class="faint" x="186" y="%d">worst</text>`, y-4, y)
	fmt.Fprintf(p, `<path class="sleeper" d="M240 %d l5 5 l-5 5 l-5 -5 z" stroke-width="1.5"/><text class="faint" x="252" y="%d">p99.9 of how late a thread woke that only slept, beside the calls</text></g>`+"\n", y-9, y)
	for decade := p.from; decade <= p.to; decade++ {
		at := p.x(math.Pow(10, decade))
		fmt.Fprintf(p, `<path class="grid" d="M%.1f %d V%d"/>`, at, pictureTop, height-26)
		for _, end := range []int{pictureTop - 6, height - 10} {
			fmt.Fprintf(p, `<text class="faint" x="%.1f" y="%d" text-anchor="middle">%s</text>`, at, end, duration(math.Pow(10, decade)))
		}
		p.WriteByte('\n')
	}
	fmt.Fprintf(p, `<text class="faint" x="%d" y="%d" font-size="11">p99.9</text>`+"\n", pictureLeft+pictureWide+12, pictureTop+8)
	at := p.x(budget / 1e3)
	fmt.Fprintf(p, `<path class="budget" d="M%.1f %d V%d"/><text class="budget-text" x="%.1f" y="%d">budget</text>`+"\n", at, pictureTop, height-26, at+18, pictureTop-6)
}

func (p *picture) row(v *Row, y int) {
	a, b, c, d := p.x(v.P50), p.x(v.P99), p.x(v.P999), p.x(v.Max)
	fmt.Fprintf(p, `<text class="faint" x="%d" y="%d" text-anchor="end">%s</text>`, pictureLeft-10, y+4, escape(v.Stream))
	fmt.Fprintf(p, `<g class="%s"><path d="M%.1f %d H%.1f" stroke-width="2"/><circle cx="%.1f" cy="%d" r="4"/><path d="M%.1f %d v10" stroke-width="2"/>`, v.Stream, a, y, c, a, y, b, y-5)
	fmt.Fprintf(p, `<path d="M%.1f %d l6 -6 v12 z"/><circle cx="%.1f" cy="%d" r="1.5"/></g>`, c-3, y, d, y)
	fmt.Fprintf(p, `<path class="sleeper" d="M%.1f %d l5 5 l-5 5 l-5 -5 z" stroke-width="1.5"/>`, p.x(v.Sleeper.P999), y-5)
	fmt.Fprintf(p, `<text class="faint" x="%d" y="%d" font-size="11">%s</text>`+"\n", pictureLeft+pictureWide+12, y+4, duration(v.P999))
}

// duration writes µs as people do.
func duration(us float64) string {
	switch {
	case us >= float64(load.Unanswered)/1e3:
		return load.Micros(us)
	case us >= 1e6:
		return fmt.Sprintf("%.3g s", us/1e6)
	case us >= 1e3:
		return fmt.Sprintf("%.3g ms", us/1e3)
	}
	return fmt.Sprintf("%.3g µs", us)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
