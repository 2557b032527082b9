package curve

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// The picture's measures, in pixels.
const (
	panelsAcross           = 3
	panelWidth, panelRoom  = 400, 262
	plotLeft, plotRight    = 64, 18
	plotTop, plotBottom    = 48, 46
	stripHead              = 34
	pictureTop, pictureEnd = 58, 10
)

// style names colours that tell apart in both schemes: the series' are of about equal
// lightness, and each also has its own dash.
const style = `<style>
svg { --paper: #fbfaf8; --ink: #1c2430; --soft: #566070; --grid: #e1e4e8; --mark: #b3261e;
  --s0: #1f66d1; --s1: #b06d00; --s2: #8b45c6; --s3: #0f8a72; --s4: #c2335f; --s5: #6b7482;
  font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #12161c; --ink: #e7ebf0; --soft: #a3adba; --grid: #2b343f; --mark: #ff8f87;
  --s0: #6ea6ff; --s1: #eba93b; --s2: #c295f5; --s3: #3fc9ab; --s4: #ff85a8; --s5: #97a1af; } }
.paper { fill: var(--paper); } text { fill: var(--ink); } .soft { fill: var(--soft); } .title { font-weight: 600; }
.grid { stroke: var(--grid); } .mark { stroke: var(--mark); stroke-dasharray: 5 3; } text.mark { fill: var(--mark); stroke: var(--paper); stroke-width: 4; stroke-dasharray: none; paint-order: stroke; }
polyline { fill: none; stroke-width: 1.8; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); stroke-dasharray: 7 2; } .s2 { stroke: var(--s2); stroke-dasharray: 3 2; }
.s3 { stroke: var(--s3); } .s4 { stroke: var(--s4); stroke-dasharray: 7 2; } .s5 { stroke: var(--s5); stroke-dasharray: 3 2; }
circle.s0 { fill: var(--s0); } circle.s1 { fill: var(--s1); } circle.s2 { fill: var(--s2); }
circle.s3 { fill: var(--s3); } circle.s4 { fill: var(--s4); } circle.s5 { fill: var(--s5); }
circle { stroke: none; }
</style>
`

// Picture draws the curves as SVG, one strip of panels for each. It follows the reader's
// colour scheme.
func Picture(machine string, curves []Curve) []byte {
	list := strips(curves)
	width, height := panelsAcross*panelWidth, pictureTop+len(list)*(stripHead+panelRoom)+pictureEnd
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Cost as work grows">`+"\n", width, height, width, height)
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text class="title" x="14" y="26" font-size="17">Cost as work grows</text><text class="soft" x="14" y="45" font-size="12">%s</text>`+"\n", escape(machine))
	for i := range list {
		y := pictureTop + i*(stripHead+panelRoom)
		fmt.Fprintf(&b, `<line class="grid" x1="14" x2="%d" y1="%d" y2="%d"/><text x="14" y="%d"><tspan class="title" font-size="15">%s</tspan><tspan class="soft" dx="14">knee: %s</tspan></text>`+"\n",
			width-14, y, y, y+24, escape(list[i].title), escape(list[i].verdict))
		for k := range list[i].panels {
			list[i].panels[k].write(&b, k*panelWidth, y+stripHead)
		}
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// write draws the panel with its top left corner at x, y.
func (p *panel) write(b *strings.Builder, x, y int) {
	across, up := p.spans()
	fmt.Fprintf(b, `<g transform="translate(%d %d)">`+"\n", x, y)
	fmt.Fprintf(b, `<text x="%d" y="16">%s</text>`+"\n", plotLeft, escape(p.title))
	p.legend(b)
	for _, v := range up.ticks() {
		at := up.place(v)
		fmt.Fprintf(b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="soft" x="%g" y="%.1f" text-anchor="end">%s</text>`+"\n",
			across.from, across.to, at, at, across.from-6, at+4, label(v))
	}
	for _, v := range across.ticks() {
		at := across.place(v)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text class="soft" x="%.1f" y="%g" text-anchor="middle">%s</text>`+"\n",
			at, at, up.to, up.from, at, up.from+16, label(v))
	}
	fmt.Fprintf(b, `<text class="soft" x="%g" y="%g" text-anchor="middle">%s</text>`, (across.from+across.to)/2, up.from+32, escape(p.x.title))
	fmt.Fprintf(b, `<text class="soft" transform="translate(14 %g) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (up.from+up.to)/2, escape(p.y.title))
	for i, s := range p.series {
		s.write(b, i, across, up)
	}
	for _, m := range p.marks {
		m.write(b, across, up)
	}
	b.WriteString("</g>\n")
}

// spans fits both axes to all that is drawn. A knee is one of the x; other marks must
// find room.
func (p *panel) spans() (across, up span) {
	var xs, ys []float64
	for _, s := range p.series {
		for _, d := range s.at {
			xs, ys = append(xs, d.x), append(ys, d.y)
		}
	}
	for _, m := range p.marks {
		if m.vertical {
			xs = append(xs, m.at)
		} else {
			ys = append(ys, m.at)
		}
	}
	return spanOf(p.x.log, true, xs, plotLeft, panelWidth-plotRight), spanOf(p.y.log, false, ys, panelRoom-plotBottom, plotTop)
}

// legend names the series of a panel that has several.
func (p *panel) legend(b *strings.Builder) {
	if len(p.series) < 2 {
		return
	}
	x := plotLeft
	for i, s := range p.series {
		fmt.Fprintf(b, `<line class="s%d" stroke-width="2" x1="%d" x2="%d" y1="31" y2="31"/><text class="soft" x="%d" y="35">%s</text>`+"\n", i, x, x+16, x+20, escape(s.name))
		x += 34 + 7*len(s.name)
	}
}

func (s *series) write(b *strings.Builder, class int, across, up span) {
	fmt.Fprintf(b, `<polyline class="s%d" points="`, class)
	for _, d := range s.at {
		fmt.Fprintf(b, "%.1f,%.1f ", across.place(d.x), up.place(d.y))
	}
	b.WriteString(`"/>`)
	for _, d := range s.at {
		fmt.Fprintf(b, `<circle class="s%d" cx="%.1f" cy="%.1f" r="2.6"><title>%s: %s at %s</title></circle>`, class,
			across.place(d.x), up.place(d.y), escape(s.name), three(Figure(d.y)), Short(d.x))
	}
	b.WriteString("\n")
}

func (m *mark) write(b *strings.Builder, across, up span) {
	if !m.vertical {
		at := up.place(m.at)
		fmt.Fprintf(b, `<line class="mark" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="mark" x="%g" y="%.1f" text-anchor="start">%s</text>`+"\n",
			across.from, across.to, at, at, across.from+4, at-4, escape(m.text))
		return
	}
	at := across.place(m.at)
	anchor, shift := "start", 4.0
	if at > (across.from+across.to)/2 {
		anchor, shift = "end", -4
	}
	fmt.Fprintf(b, `<line class="mark" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text class="mark" x="%.1f" y="%g" text-anchor="%s">%s</text>`+"\n",
		at, at, up.to, up.from, at+shift, (up.from+up.to)/2, anchor, escape(m.text))
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
