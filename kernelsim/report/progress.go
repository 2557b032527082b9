package report

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of the widths that Progress draws in, in characters.
const (
	minWidth = 40
	narrow   = 80 // below, bars and columns are shorter
	maxWidth = 110
)

// linesEvery is how often a Progress that is not on a terminal writes a line.
const linesEvery = time.Second

// Progress shows a run while it goes on: on a terminal a small view that is drawn
// over itself, elsewhere (a pipe, a log) one plain line a second. It is used by
// one goroutine.
type Progress struct {
	w     io.Writer
	color styles
	tty   bool
	width int

	drawn  int // lines of the view on the screen
	lines  int // plain lines written, not drawn over
	buffer bytes.Buffer
}

// NewProgress shows progress on w. tty says that w is a terminal of width columns,
// which understands cursor movement; color that it may be coloured. The last
// column stays free: a character there leaves the cursor in different places on
// different terminals.
func NewProgress(w io.Writer, tty bool, width int, color bool) *Progress {
	return &Progress{w: w, tty: tty, width: min(max(width-1, minWidth), maxWidth), color: styles(color)}
}

// Update shows s. Elsewhere than on a terminal most updates write nothing. The
// error is the writer's.
func (p *Progress) Update(s Status) error {
	p.buffer.Reset()
	if !p.tty {
		if int(s.Elapsed/linesEvery) < p.lines {
			return nil
		}
		p.lines = int(s.Elapsed/linesEvery) + 1
		p.buffer.WriteString(plainLine(s) + "\n")
	} else {
		lines := p.view(s)
		if p.drawn > 0 {
			fmt.Fprintf(&p.buffer, "\x1b[%dA", p.drawn)
		}
		for _, line := range lines {
			// Clearing to the end after the text, not before, does not flicker.
			p.buffer.WriteString("\r" + line + "\x1b[K\n")
		}
		if p.drawn > len(lines) {
			p.buffer.WriteString("\x1b[J") // what the last view had below
		}
		p.drawn = len(lines)
	}
	if _, err := p.w.Write(p.buffer.Bytes()); err != nil {
		return fmt.Errorf("report: progress: %w", err)
	}
	return nil
}

// Clear takes the view off the terminal, so that a report can stand in its place.
func (p *Progress) Clear() error {
	if p.drawn == 0 {
		return nil
	}
	_, err := fmt.Fprintf(p.w, "\x1b[%dA\r\x1b[J", p.drawn)
	p.drawn = 0
	if err != nil {
		return fmt.Errorf("report: progress: %w", err)
	}
	return nil
}

// Watch updates p with what status says, every so often, until ctx ends. It
// returns early only when the writer fails.
func (p *Progress) Watch(ctx context.Context, every time.Duration, status func() Status) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := p.Update(status()); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// plainLine says in one line what the view shows.
func plainLine(s Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s", clock(s.Elapsed), clock(s.Total))
	if s.Warming {
		return b.String() + " warming up"
	}
	fmt.Fprintf(&b, " %s/s, %s %s%s", grouped(uint64(s.Rate)), shareText(s.Share), within(s.BudgetUS), pacingText(", ", s))
	for _, row := range s.Predictions {
		fmt.Fprintf(&b, "; %s p50 %s p99 %s", plain(row.Name), usUnit(row.Latency.P50), usUnit(row.Latency.P99))
	}
	return b.String()
}

// view is the terminal's view, line by line.
func (p *Progress) view(s Status) []string {
	lines := []string{p.head(s), ""}
	lines = append(lines, p.predictions(s)...)
	if len(s.Comparisons) > 0 {
		lines = append(lines, "")
		lines = append(lines, p.comparisons(s)...)
	}
	return lines
}

func (p *Progress) head(s Status) string {
	done := 0.0
	if s.Total > 0 {
		done = min(float64(s.Elapsed)/float64(s.Total), 1)
	}
	length := 18
	if p.width < narrow {
		length = 10
	}
	full := int(done*float64(length) + 0.5)
	text := clock(s.Elapsed) + " / " + clock(s.Total) + "  "
	rest := fmt.Sprintf("  %s/s  %s %s%s", grouped(uint64(s.Rate)), shareText(s.Share), within(s.BudgetUS), pacingText("  ", s))
	if s.Warming {
		rest = "  warming up"
	}
	room := p.width - utf8.RuneCountInString(text) - length
	return text + p.color.use(green).on(strings.Repeat("━", full)) + p.color.use(dim).on(strings.Repeat("─", length-full)) + clip(rest, room)
}

// pacingText is the generator's own lateness, which only a load phase has.
func pacingText(before string, s Status) string {
	if s.PacingP99 <= 0 {
		return ""
	}
	return before + "pacing p99 " + usUnit(s.PacingP99)
}

// predictions is a table whose last column shows who answered, as a bar.
func (p *Progress) predictions(s Status) []string {
	name := 10
	for _, row := range s.Predictions {
		name = max(name, min(utf8.RuneCountInString(plain(row.Name)), 20))
	}
	const figures = 10 + 14 + 8 + 8 + 9 // widths of the columns below
	bar := p.width - name - figures - 2
	format := func(cells ...string) string {
		return fmt.Sprintf("%-*s%10s%14s%8s%8s%9s", name, clip(cells[0], name), cells[1], cells[2], cells[3], cells[4], cells[5])
	}
	heading := clip(format("kind", "answers", within(s.BudgetUS), "p50 µs", "p99 µs", "p99.9 µs"), p.width)
	lines := []string{p.color.use(dim).on(heading)}
	if bar >= 8 {
		lines[0] += "  " + p.legend(s.Sources, bar)
	}
	for _, row := range s.Predictions {
		line := clip(format(plain(row.Name), grouped(row.Answered), shareText(row.Share),
			usText(row.Latency.P50), usText(row.Latency.P99), usText(row.Latency.P999)), p.width)
		if bar >= 8 {
			line += "  " + p.bar(row.Sources, min(bar, 30))
		}
		lines = append(lines, line)
	}
	return lines
}

// comparisons shows model against rule.
func (p *Progress) comparisons(s Status) []string {
	lines := []string{p.color.use(dim).on("model against rule so far")}
	name := 0
	for _, c := range s.Comparisons {
		name = max(name, utf8.RuneCountInString(plain(c.Subsystem+" "+metricText(c))))
	}
	value := 12
	if p.width < narrow {
		value = 8
	}
	name = min(name, max(p.width-2*value-23, 14)) // what values and verdict leave
	for _, c := range s.Comparisons {
		shade := map[string]style{BetterML: green, BetterRule: yellow}[c.Better]
		values := fmt.Sprintf("%*s against %-*s  ", value, plain(valueText(c.ML, c.Unit)), value, plain(valueText(c.Rule, c.Unit)))
		verdict := map[string]string{BetterML: "model better", BetterRule: "rule better", BetterUnclear: "unclear"}[c.Better]
		line := clip(fmt.Sprintf("%-*s", name, clip(plain(c.Subsystem+" "+metricText(c)), name))+values, p.width-len(verdict))
		lines = append(lines, line+p.color.use(shade).on(verdict))
	}
	return lines
}
