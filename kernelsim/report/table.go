package report

import (
	"io"
	"strings"
)

// table is text in columns. The first column and those named left are aligned
// left, the others, being figures, right.
type table struct {
	left  map[int]bool
	rows  [][]string
	notes bool // the last column is a note: it may move below its row
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

// write writes the table with its first row as the heading, in the style given. One
// that is wider than tableWidth gets its notes below their rows, then less room between its
// columns, and last its longest names on several lines.
func (t *table) write(w io.Writer, heading style) {
	columns := 0
	for _, row := range t.rows {
		columns = max(columns, len(row))
	}
	below := t.notes && t.width(columns, 2) > tableWidth
	if below {
		columns--
	}
	gap := 2
	if t.width(columns, gap) > tableWidth {
		gap = 1
	}
	further := t.fold(columns, t.width(columns, gap)-tableWidth)
	for i, row := range t.rows {
		text := t.line(row[:min(columns, len(row))], gap)
		if i == 0 {
			text = heading.on(text)
		}
		_, _ = io.WriteString(w, "  "+text+"\n")
		for _, cells := range further[i] {
			_, _ = io.WriteString(w, "  "+t.line(cells, gap)+"\n")
		}
		if !below || i == 0 || row[columns] == "" {
			continue
		}
		for _, note := range wrap(row[columns], proseWidth-noteIndent) {
			_, _ = io.WriteString(w, strings.Repeat(" ", noteIndent)+note+"\n")
		}
	}
}

// fold takes excess characters off the widest column of words, by breaking what is
// too long into further lines, which it returns by row. Figures are never broken.
func (t *table) fold(columns, excess int) (further map[int][][]string) {
	if excess <= 0 {
		return nil
	}
	widest := 0
	for c := range columns {
		if t.left[c] && t.columnWidth(c) > t.columnWidth(widest) {
			widest = c
		}
	}
	width := max(t.columnWidth(widest)-excess, 8)
	further = make(map[int][][]string)
	for i, row := range t.rows {
		if widest >= len(row) {
			continue
		}
		parts := wrap(row[widest], width)
		row[widest] = parts[0]
		for _, part := range parts[1:] {
			cells := make([]string, widest+1)
			cells[widest] = part
			further[i] = append(further[i], cells)
		}
	}
	return further
}

// noteIndent is where a note below its row begins.
const noteIndent = 6

// line aligns the cells of a row.
func (t *table) line(row []string, gap int) string {
	var line strings.Builder
	for c, cell := range row {
		if c > 0 {
			line.WriteString(strings.Repeat(" ", gap))
		}
		pad := strings.Repeat(" ", t.columnWidth(c)-runes(cell))
		if t.left[c] {
			line.WriteString(cell + pad)
		} else {
			line.WriteString(pad + cell)
		}
	}
	return strings.TrimRight(line.String(), " ")
}

// width is that of the first columns with the indent.
func (t *table) width(columns, gap int) int {
	sum := 2 + gap*(columns-1)
	for c := range columns {
		sum += t.columnWidth(c)
	}
	return sum
}

func (t *table) columnWidth(c int) int {
	width := 0
	for _, row := range t.rows {
		if c < len(row) {
			width = max(width, runes(row[c]))
		}
	}
	return width
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
