package report

import (
	"strings"
	"unicode/utf8"
)

// fills are what a source's part of a bar is drawn with: told apart by density
// where there is no colour. Sources beyond share the last one.
var fills = []rune{'█', '▓', '▒', '░', '·'}

// fillStyles colours them.
var fillStyles = []style{"34", "36", yellow, "35", dim}

func fill(source int) (rune, style) {
	i := min(source, len(fills)-1)
	return fills[i], fillStyles[i]
}

// bar draws the shares of the sources' counts in length characters.
func (p *Progress) bar(counts []uint64, length int) string {
	var b strings.Builder
	for source, n := range portions(counts, length) {
		if n > 0 {
			r, shade := fill(source)
			b.WriteString(p.color.use(shade).on(strings.Repeat(string(r), n)))
		}
	}
	return b.String()
}

// portions deals length characters out to counts. What has come at all gets one
// character while there is room, so that rare sources are seen; the rest goes by
// share, the remainders to the largest.
func portions(counts []uint64, length int) []int {
	out := make([]int, len(counts))
	var total uint64
	largest, some := 0, 0
	for i, n := range counts {
		total += n
		if n > counts[largest] {
			largest = i
		}
		if n > 0 {
			some++
		}
	}
	if total == 0 || length < some {
		return out
	}
	left := length - some
	given := 0
	for i, n := range counts {
		if n > 0 {
			out[i] = 1 + int(float64(left)*float64(n)/float64(total))
			given += out[i]
		}
	}
	out[largest] += length - given
	return out
}

// legend names the sources with their fills, as many as fit.
func (p *Progress) legend(sources []string, room int) string {
	var b strings.Builder
	used := 0
	for i, name := range sources {
		r, shade := fill(i)
		name = plain(name)
		need := utf8.RuneCountInString(name) + 2
		if used > 0 {
			need++
		}
		if used+need > room {
			break
		}
		if used > 0 {
			b.WriteString(" ")
		}
		b.WriteString(p.color.use(shade).on(string(r)) + " " + name)
		used += need
	}
	return b.String()
}
