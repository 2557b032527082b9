package report

import (
	"math"
	"slices"
)

// comparePlot draws two bars for each comparison. Metrics have different units,
// so each pair has a scale of its own, from 0 to the larger of the two; the values
// stand beside the bars.
func (r *Report) comparePlot(s size) *chart {
	const rowH, barH, top = 62.0, 13.0, 4.0
	c := newChart("compare", "Model against rule on outcomes, a pair of bars for each metric", s)
	rows := r.compared()
	c.H = top + rowH*float64(len(rows))
	valueW := 150.0
	if s.class == "narrow" {
		valueW = 110
	}
	length := s.w - valueW - 8
	c.Area = box{0, top, length, c.H - top}

	for i, m := range rows {
		y := top + float64(i)*rowH
		c.Texts = append(c.Texts, text{0, y + 13, "start", "head", clip(m.Subsystem+": "+metricText(m), int(s.w/7.2))})
		largest := max(magnitude(m.ML), magnitude(m.Rule))
		for k, v := range []*float64{m.ML, m.Rule} {
			by := y + 20 + float64(k)*(barH+4)
			name, class := "model", "ml"
			if k == 1 {
				name, class = "rule", "rule"
			}
			tip := name + ": " + valueText(v, m.Unit)
			w := 0.0
			if largest > 0 {
				w = magnitude(v) / largest * length
			}
			if v != nil {
				c.Bars = append(c.Bars, bar{box{0, by, max(w, 1), barH}, class, tip})
			}
			mark := ""
			if m.Better == BetterML && k == 0 || m.Better == BetterRule && k == 1 {
				mark = " ✓"
				class += " won"
			}
			c.Texts = append(c.Texts, text{
				max(w, 1) + 6, by + barH - 2, "start", "value " + class,
				clip(name+" "+valueText(v, m.Unit)+mark, int((s.w-max(w, 1)-6)/6.4)),
			})
		}
	}
	return c
}

// compared are the comparisons that have a value to draw.
func (r *Report) compared() []Comparison {
	return slices.DeleteFunc(slices.Clone(r.Comparisons), func(c Comparison) bool { return c.ML == nil && c.Rule == nil })
}

func magnitude(v *float64) float64 {
	if v == nil {
		return 0
	}
	return math.Abs(*v)
}

// clip shortens text to n runes: SVG does not wrap.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n || n < 2 {
		return s
	}
	return string(r[:n-1]) + "…"
}
