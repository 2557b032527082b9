package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Widths of the text report, in characters: what fits a terminal of 120 columns,
// and where a sentence is broken to stay readable.
const (
	tableWidth = 118
	proseWidth = 110
)

// wrap breaks text at spaces into lines of at most width characters. A word that is
// longer is broken too: a path or an error text may have no space at all.
func wrap(text string, width int) []string {
	var lines []string
	var line []rune
	for _, word := range strings.Fields(text) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > width {
			lines, line = append(lines, string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for len(line)+len(w) > width {
			n := width - len(line)
			lines, line, w = append(lines, string(append(line, w[:n]...))), nil, w[n:]
		}
		line = append(line, w...)
	}
	if len(line) > 0 || len(lines) == 0 {
		lines = append(lines, string(line))
	}
	return lines
}

// hang writes text behind a head, whose width on the screen is given since it may be
// coloured, and further lines indented as far.
func (t textWriter) hang(head string, width int, text string) {
	for i, line := range wrap(text, max(proseWidth-width, 20)) {
		if i > 0 {
			head = strings.Repeat(" ", width)
		}
		fmt.Fprintf(t, "%s\n", strings.TrimRight(head+line, " "))
	}
}

// runes is the width of text on a screen.
func runes(text string) int { return utf8.RuneCountInString(text) }
