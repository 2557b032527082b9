package report

import (
	"io"
	"strings"
	"unicode/utf8"
)

// table is text in columns. The first column and those named left are aligned
// left, the others, being figures, right.
type table struct {
	left map[int]bool
	rows [][]string
}

func newTable(left ...int) *table {
	t := &table{left: map[int]bool{0: true}}
	for _, c := range left {
		t.left[c] = true
	}
	return t
}

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = plain(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// write writes the table with its first row as the heading, in the style given.
func (t *table) write(w io.Writer, heading style) {
	var widths []int
	for _, row := range t.rows {
		for c, cell := range row {
			if c == len(widths) {
				widths = append(widths, 0)
			}
			widths[c] = max(widths[c], utf8.RuneCountInString(cell))
		}
	}
	var line strings.Builder
	for i, row := range t.rows {
		line.Reset()
		for c, cell := range row {
			if c > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[c]-utf8.RuneCountInString(cell))
			if t.left[c] {
				line.WriteString(cell + pad)
			} else {
				line.WriteString(pad + cell)
			}
		}
		text := strings.TrimRight(line.String(), " ")
		if i == 0 {
			text = heading.on(text)
		}
		_, _ = io.WriteString(w, "  "+text+"\n")
	}
}

// style is an ANSI rendition, or none when empty.
type style string

// The few styles that reports use. Colours are the terminal's own, so they fit
// light and dark ones.
const (
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

func (s style) on(text string) string {
	if s == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// styles gives styles out, or none where colour was not asked for.
type styles bool

func (c styles) use(s style) style {
	if !c {
		return ""
	}
	return s
}
