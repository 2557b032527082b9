package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The canvas, its plot area inside the margins, in SVG units.
const (
	width, height            = 440, 280
	left, right, top, bottom = 56, 12, 34, 44
)

// palette is legible on white and on dark, and apart for the colour-blind (Okabe, Ito 2008).
var palette = [...]string{"#0072b2", "#d55e00", "#009e73", "#888888"}

// line is a list of points with a name.
type line struct {
	name   string
	x, y   []float64
	dots   bool
	dashed bool
	steps  bool // what a point says holds since the point before it
}

// axis is what one direction shows.
type axis struct {
	name      string
	low, high float64
}

// plot draws lines over two axes.
type plot struct {
	title string
	x, y  axis
	lines []line
}

func (p *plot) at(x, y float64) (float64, float64) {
	fx := (x - p.x.low) / (p.x.high - p.x.low)
	fy := (y - p.y.low) / (p.y.high - p.y.low)
	return left + fx*(width-left-right), height - bottom - fy*(height-top-bottom)
}

// frame writes the picture's head: background, title, axis names.
func frame(b *strings.Builder, title, x, y string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11" role="img" aria-label="%s">`+"\n",
		width, height, html.EscapeString(title))
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="18" font-size="13" fill="#222">%s</text>`+"\n", width, height, left, html.EscapeString(title))
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#444">%s</text>`, (left+width-right)/2, height-8, html.EscapeString(x))
	fmt.Fprintf(b, `<text transform="translate(13 %d) rotate(-90)" text-anchor="middle" fill="#444">%s</text>`+"\n", (top+height-bottom)/2, html.EscapeString(y))
}

func (p *plot) String() string {
	var b strings.Builder
	frame(&b, p.title, p.x.name, p.y.name)
	const ticks = 4
	for i := range ticks + 1 {
		f := float64(i) / ticks
		x, y := p.at(p.x.low+f*(p.x.high-p.x.low), p.y.low+f*(p.y.high-p.y.low))
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#444">%s</text>`,
			left, y, width-right, left-5, y+4, tick(p.y.low+f*(p.y.high-p.y.low)))
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#444">%s</text>`+"\n", x, height-bottom+14, tick(p.x.low+f*(p.x.high-p.x.low)))
	}
	for i, l := range p.lines {
		colour := palette[i%len(palette)]
		var d strings.Builder
		for k := range l.x {
			x, y := p.at(l.x[k], l.y[k])
			if l.dots {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x, y, colour)
			}
			switch {
			case !l.steps:
				fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(k, 1)], x, y)
			case k == 0:
				fmt.Fprintf(&d, "M%d %.1fH%.1f", left, y, x)
			default:
				fmt.Fprintf(&d, "V%.1fH%.1f", y, x)
			}
		}
		dash := ""
		if l.dashed {
			dash = ` stroke-dasharray="4 3"`
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"%s/>`+"\n", d.String(), colour, dash)
	}
	b.WriteString(p.legend())
	b.WriteString("</svg>\n")
	return b.String()
}

// legend names the lines, between the title and the plot, where no line is.
func (p *plot) legend() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<text x="%d" y="30" text-anchor="end">`, width-right)
	for i, l := range p.lines {
		fmt.Fprintf(&b, `<tspan dx="12" fill="%s">%s</tspan>`, palette[i%len(palette)], html.EscapeString(l.name))
	}
	b.WriteString("</text>\n")
	return b.String()
}

func tick(v float64) string {
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// bars draws two values for each name, as shares of one.
func bars(title string, names []string, model, rule []float64) string {
	var b strings.Builder
	frame(&b, title, "share of faults whose page was named", "")
	step := float64(height-top-bottom) / float64(len(names))
	for i, name := range names {
		y := top + float64(i)*step
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" fill="#222">%s</text>`, left-44, y+step/2+4, html.EscapeString(name))
		for k, v := range [2]float64{model[i], rule[i]} {
			const from = left + 60
			w, h := v*(width-right-from-40), step*0.36
			at := y + step*0.12 + float64(k)*h
			fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="%.1f" height="%.1f" fill="%s"/><text x="%.1f" y="%.1f" fill="#444" font-size="9">%.2f</text>`+"\n",
				from, at, w, h, palette[k], from+w+4, at+h*0.8, v)
		}
	}
	for k, name := range [2]string{"model", "rule"} {
		fmt.Fprintf(&b, `<text x="%d" y="30" text-anchor="end" fill="%s">%s</text>`, width-right-44+40*k, palette[k], name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
