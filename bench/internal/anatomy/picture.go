package anatomy

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The picture's measures, in pixels.
const (
	width, left, right = 1100, 20, 1080
	top, callRoom      = 122, 142
	barTop, barHeight  = 34, 34
	letter             = 6.4 // width of a letter of a label, at most
)

// style names colours that tell apart in both schemes. The kernel's are grey: what C
// pays, too.
const style = `<style>
svg { --paper: #fbfaf8; --ink: #1c2430; --soft: #566070; --line: #c9ced6; --on: #ffffff;
  --sockets: #4a525e; --waiting: #737d8b; --rest: #b06d00; --ours: #1f66d1; --model: #0f8a72;
  font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #12161c; --ink: #e7ebf0; --soft: #a3adba; --line: #3a4552; --on: #0c0f13;
  --sockets: #76818f; --waiting: #a5afbc; --rest: #eba93b; --ours: #6ea6ff; --model: #3fc9ab; } }
.paper { fill: var(--paper); } text { fill: var(--ink); } .soft { fill: var(--soft); font-size: 12px; } .title { font-weight: 600; }
.on { fill: var(--on); font-size: 11px; } .line { stroke: var(--soft); fill: none; } .grid { stroke: var(--line); }
rect { stroke: var(--paper); stroke-width: 1; }
.sockets { fill: var(--sockets); } .waiting { fill: var(--waiting); } .rest { fill: var(--rest); } .ours { fill: var(--ours); } .model { fill: var(--model); }
</style>
`

// Picture draws a bar a call, as long as the CPU time of all its processes, cut by process
// and by who spends it. It follows the reader's colour scheme.
func (r *Report) Picture() []byte {
	longest := 1.0
	for i := range r.Calls {
		longest = max(longest, r.Calls[i].CPU, r.Calls[i].P50)
	}
	height := top + len(r.Calls)*callRoom + 6
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Where the microseconds of a call go">`+"\n", width, height, width, height)
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text class="title" x="%d" y="26" font-size="17">Where the microseconds of a call go</text>`, left)
	fmt.Fprintf(&b, `<text class="soft" x="%d" y="46">CPU time of all processes of a call, one call in flight, all on one core; ▼ is the p50</text>`, left)
	fmt.Fprintf(&b, `<text class="soft" x="%d" y="64">%s</text>`+"\n", left, escape(r.Machine.String()))
	legend(&b)
	for i := range r.Calls {
		r.Calls[i].draw(&b, top+i*callRoom, (right-left)/longest)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

func legend(b *strings.Builder) {
	names := map[Who]string{
		Sockets: "kernel: sockets", Waiting: "kernel: waiting, waking, switching",
		Rest: "user: loop, scheduler, rest", Ours: "user: our stages", Model: "user: the model",
	}
	x := left
	for _, s := range spenders {
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="80" width="14" height="14"/><text class="soft" x="%d" y="92">%s</text>`, s.who, x, x+20, names[s.who])
		x += 44 + int(letter*float64(len(names[s.who])))
	}
	b.WriteString("\n")
}

// draw writes a call at height y, scale pixels a µs.
func (a *Anatomy) draw(b *strings.Builder, y int, scale float64) {
	fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%d" y2="%d"/>`, left, right, y-6, y-6)
	fmt.Fprintf(b, `<text x="%d" y="%d"><tspan class="title">%s</tspan><tspan class="soft" dx="12">p50 %.1f µs = %.2f × C, CPU %.1f µs: %s</tspan></text>`+"\n",
		left, y+14, escape(a.Title), a.P50, a.Ratio, a.CPU, a.shares())
	x := float64(left)
	for i := range a.Processes {
		p := &a.Processes[i]
		from := x
		for _, piece := range p.Pieces {
			piece.draw(b, x, y+barTop, scale, a.CPU)
			x += piece.Time * scale
		}
		at := y + barTop + barHeight + 5
		fmt.Fprintf(b, `<path class="line" d="M%.1f %d v4 H%.1f v-4"/>`, from+1, at, x-1)
		fmt.Fprintf(b, `<text class="soft" x="%.1f" y="%d">%s</text>`, from+1, at+19, escape(fmt.Sprintf("%s %.1f", p.Name, p.CPU)))
		for k, line := range wrap(p.detail(), x-from) {
			fmt.Fprintf(b, `<text class="soft" x="%.1f" y="%d">%s</text>`, from+1, at+34+14*k, escape(line))
		}
		b.WriteString("\n")
	}
	at := left + a.P50*scale
	fmt.Fprintf(b, `<path d="M%.1f %d l-5 -8 h10 z" fill="var(--ink)"/>`+"\n", at, y+barTop-1)
}

// shares are the spenders' of the whole call.
func (a *Anatomy) shares() string {
	short := map[Who]string{Sockets: "sockets", Waiting: "waking", Rest: "rest", Ours: "ours", Model: "model"}
	var list []string
	for _, s := range spenders {
		if t := a.Of(s.who); t > 0 {
			list = append(list, fmt.Sprintf("%s %.0f %%", short[s.who], 100*t/max(a.CPU, 1e-9)))
		}
	}
	return strings.Join(list, ", ")
}

// draw writes a segment, with as much of a label as fits: µs and share, or µs. What is
// too narrow for either is in the line below the bar.
func (p *Piece) draw(b *strings.Builder, x float64, y int, scale, of float64) {
	w := p.Time * scale
	if w <= 0 {
		return
	}
	full := fmt.Sprintf("%s: %.2f µs, %.0f %%", p.Name, p.Time, 100*p.Time/max(of, 1e-9))
	fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"><title>%s</title></rect>`, p.Who, x, y, w, barHeight, escape(full))
	time, share := fmt.Sprintf("%.1f", p.Time), fmt.Sprintf("%.0f %%", 100*p.Time/max(of, 1e-9))
	middle := x + w/2
	if w >= letter*float64(max(len(time), len(share))) {
		fmt.Fprintf(b, `<text class="on" x="%.1f" y="%d" text-anchor="middle">%s</text>`, middle, y+15, time)
		fmt.Fprintf(b, `<text class="on" x="%.1f" y="%d" text-anchor="middle">%s</text>`, middle, y+28, share)
	}
}

// detail lists the stages of a process.
func (p *Process) detail() string {
	var list []string
	for _, piece := range p.Pieces {
		if (piece.Who == Ours || piece.Who == Model) && piece.Time > 0 {
			list = append(list, fmt.Sprintf("%s %.2f", piece.Name, piece.Time))
		}
	}
	return strings.Join(list, ", ")
}

// wrap breaks a list's text into two lines of a width. What does not fit is left out.
func wrap(text string, pixels float64) []string {
	first := strings.TrimSuffix(shorten(text, pixels), "…")
	if first == "" || first == text {
		return []string{first}
	}
	return []string{first + ",", shorten(strings.TrimPrefix(text, first+", "), pixels)}
}

// shorten cuts a list's text to a width, behind an entry; nothing is left where not even
// the first one fits.
func shorten(text string, pixels float64) string {
	fits := func(s string) bool { return 0.9*letter*float64(utf8.RuneCountInString(s)) <= pixels }
	short := text
	for !fits(short) {
		cut := strings.LastIndex(text, ", ")
		if cut < 0 {
			return ""
		}
		text = text[:cut]
		short = text + "…"
	}
	return short
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
