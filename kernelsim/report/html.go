package report

import (
	"bytes"
	_ "embed" // the page's template and style
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.tmpl.html
var pageSource string

//go:embed page.css
var pageStyle string

// seriesColors is how many colours the style has; series beyond reuse them.
const seriesColors = 6

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"us":      usText,
	"unit":    usUnit,
	"share":   shareText,
	"grouped": grouped,
	"number":  number,
	"value":   valueText,
	"span":    spanText,
	"better":  betterText,
	"metric":  metricText,
	"source":  sourceText,
	"upper":   strings.ToUpper,
	"color":   func(series int) int { return series % seriesColors },
	"percent": func(part, whole uint64) string { return percentOf(part, whole) },
	"finite":  Value,
	"stack":   stack,
	"within":  within,
	"compare": func(of []Comparison) [][]Comparison {
		return runs(of, func(c Comparison) string { return c.Subsystem })
	},
	"effect": func(of []Effect) [][]Effect { return runs(of, func(e Effect) string { return e.Subsystem }) },
}).Parse(pageSource))

// figure is a plot in its two sizes.
type figure []*chart

// pageData is what the template sees beside the report itself.
type pageData struct {
	*Report
	Style     template.CSS
	Rows      []Prediction
	CDF       figure
	Latency   figure
	SourceMix figure
	Compare   figure
	Drawn     []Interval
	RunFacts  []fact
	HostFacts []fact
	Missed    uint64 // calls without an answer
	Better    tally
	Becauses  []because
	Joined    bool // the drawn intervals join several measured ones
}

// HTML writes the report as one page with its plots and style in it. It makes no
// request and runs no script; its content security policy forbids both.
func (r *Report) HTML(w io.Writer) error {
	draw := func(plot func(size) *chart) figure {
		var f figure
		for _, s := range sizes {
			f = append(f, plot(s))
		}
		return f
	}
	data := pageData{
		Report: r, Style: template.CSS(pageStyle), Rows: r.rows(),
		CDF: draw(r.cdfPlot), Latency: draw(r.latencyPlot), SourceMix: draw(r.sourcesPlot), Compare: draw(r.comparePlot),
		Drawn: r.drawn(), RunFacts: r.runFacts(), HostFacts: r.hostFacts(),
		Missed: r.Total.Errors + r.Total.Dropped + r.Total.Lost,
		Better: r.tally(), Becauses: r.becauses(), Joined: len(r.Timeline) > maxDrawn,
	}
	if len(r.compared()) == 0 {
		data.Compare = nil // nothing to draw; the table says so
	}
	// Built in memory first: a template error must not leave half a page behind.
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// percentOf writes a part of a whole in percent.
func percentOf(part, whole uint64) string {
	if whole == 0 {
		return noValue
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// stack lays the shares of the sources end to end on a strip 100 long.
func stack(sources []Source) []box {
	var total uint64
	for _, s := range sources {
		total += s.Count
	}
	var out []box
	x := 0.0
	for _, s := range sources {
		w := 100 * float64(s.Count) / float64(max(total, 1))
		out = append(out, box{X: x, W: w})
		x += w
	}
	return out
}

// runs cuts rows where their subsystem changes: its name stands above its rows once.
func runs[T any](rows []T, name func(T) string) (out [][]T) {
	for i, row := range rows {
		if i == 0 || name(row) != name(rows[i-1]) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], row)
	}
	return out
}

// tally counts the comparisons of model and rule, those where both were measured.
type tally struct{ Model, Rule, All int }

func (r *Report) tally() (n tally) {
	for _, c := range r.Comparisons {
		switch c.Better {
		case BetterUnknown:
			continue
		case BetterML:
			n.Model++
		case BetterRule:
			n.Rule++
		}
		n.All++
	}
	return n
}
