package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Text writes the report for a terminal or a log: aligned tables, no colour.
func (r *Report) Text(w io.Writer) error { return r.text(w, false) }

// ColorText is Text with ANSI colours.
func (r *Report) ColorText(w io.Writer) error { return r.text(w, true) }

func (r *Report) text(w io.Writer, color styles) error {
	// Built in memory first, so that only one place can fail.
	var b bytes.Buffer
	t := textWriter{&b, color, r}
	t.verdict()
	t.predictions()
	t.sources()
	t.reasons()
	t.errors()
	t.comparisons()
	t.effects()
	t.facts("run", r.runFacts())
	t.facts("host", r.hostFacts())
	t.notes()
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

type textWriter struct {
	*bytes.Buffer
	color styles
	r     *Report
}

func (t textWriter) section(name string) {
	fmt.Fprintf(t, "\n%s\n", t.color.use(bold).on(name))
}

func (t textWriter) table(tab *table) { tab.write(t, t.color.use(dim)) }

func (t textWriter) verdict() {
	fmt.Fprintf(t, "%s\n", t.color.use(bold).on(plain(t.r.Title)))
	head := "verdict " + t.state() + ": "
	t.hang(head, runes("verdict "+plain(t.r.Verdict.State)+": "), plain(t.r.Verdict.Reason))
}

// latencyLegend says what the columns of the first table mean.
const latencyLegend = "percentiles: of all calls, none where that call had no answer; max: of answers; " +
	"naive p99: of answers, from the actual send, blind to waiting before it; " +
	"dropped: never sent; lost: no answer by the end"

func (t textWriter) predictions() {
	if len(t.r.Predictions) == 0 {
		return
	}
	t.section("latency from the intended start (µs)")
	tab := newTable()
	tab.row("prediction", "calls", "answered", within(t.r.Run.BudgetUS), "p50", "p90", "p99", "p99.9", "max", "naive p99", "errors", "dropped", "lost")
	for _, p := range t.r.rows() {
		l := p.Latency
		tab.row(p.Name, grouped(p.Calls), grouped(p.Answered), p.share(), usText(l.P50), usText(l.P90),
			usText(l.P99), usText(l.P999), usText(l.Max), usText(p.NaiveP99),
			grouped(p.Errors), grouped(p.Dropped), grouped(p.Lost))
	}
	t.table(tab)
	t.hang("  ", 2, latencyLegend)
}

// share is the share of the calls in the budget, where there were any.
func (p Prediction) share() string {
	if p.Calls == 0 {
		return noValue
	}
	return shareText(p.Share)
}

// rows are the predictions and, when there is more than one, their total.
func (r *Report) rows() []Prediction {
	if len(r.Predictions) < 2 {
		return r.Predictions
	}
	return append(r.Predictions[:len(r.Predictions):len(r.Predictions)], r.Total)
}

func (t textWriter) sources() {
	if len(t.r.Predictions) == 0 {
		return
	}
	t.section("answers by source (share of answers, p50 µs)")
	tab := newTable()
	tab.row(append([]string{"prediction"}, t.r.Sources...)...)
	for _, p := range t.r.rows() {
		cells := []string{p.Name}
		for _, s := range p.Sources {
			cells = append(cells, sourceText(s, p.Answered))
		}
		tab.row(cells...)
	}
	t.table(tab)
}

// reasons says why a source below the model answered.
func (t textWriter) reasons() {
	rows := t.r.becauses()
	if len(rows) == 0 {
		return
	}
	t.section("why it was not the model (share of the prediction's answers)")
	tab := newTable(1, 3)
	tab.notes = true
	tab.row("prediction", "source", "answers", "because")
	for _, b := range rows {
		tab.row(b.Prediction, b.Source, b.Share, b.Why)
	}
	t.table(tab)
}

func sourceText(s Source, answered uint64) string {
	if s.Count == 0 {
		return noValue
	}
	return fmt.Sprintf("%.1f %% (%s)", 100*float64(s.Count)/float64(answered), usText(s.P50))
}

func (t textWriter) errors() {
	if t.r.Total.Errors == 0 {
		return
	}
	t.section("errors")
	tab := newTable(2)
	tab.notes = true
	tab.row("prediction", "calls", "error")
	for _, p := range t.r.Predictions {
		for _, m := range p.Messages {
			tab.row(p.Name, grouped(m.Count), m.Text)
		}
	}
	t.table(tab)
}

func (t textWriter) comparisons() {
	if len(t.r.Comparisons) == 0 {
		return
	}
	t.section("model against rule, on outcomes")
	tab := newTable(1, 6, 7)
	tab.notes = true
	tab.row("subsystem", "metric", "model", "rule", "n", "model − rule (95 %)", "better", "note")
	for _, c := range t.r.Comparisons {
		tab.row(c.Subsystem, metricText(c), valueText(c.ML, c.Unit), valueText(c.Rule, c.Unit), grouped(c.N),
			spanText(c.Difference), betterText(c.Better), c.Note)
	}
	t.table(tab)
}

// metricText names a metric with the direction that is good.
func metricText(c Comparison) string {
	if c.HigherIsBetter {
		return c.Metric + " ↑"
	}
	return c.Metric + " ↓"
}

func (t textWriter) effects() {
	if len(t.r.Effects) == 0 {
		return
	}
	t.section("effects on the simulated system")
	tab := newTable(1, 3)
	tab.notes = true
	tab.row("subsystem", "what", "value", "note")
	for _, e := range t.r.Effects {
		tab.row(e.Subsystem, e.Name, valueText(Value(e.Value), e.Unit), e.Note)
	}
	t.table(tab)
}

func (t textWriter) facts(name string, facts []fact) {
	t.section(name)
	width := 0
	for _, f := range facts {
		width = max(width, runes(plain(f.Name)))
	}
	for _, f := range facts {
		pad := strings.Repeat(" ", width-runes(plain(f.Name)))
		t.hang("  "+t.color.use(dim).on(plain(f.Name))+pad+"  ", width+4, plain(f.Value))
	}
}

func (t textWriter) notes() {
	if len(t.r.Notes) == 0 {
		return
	}
	t.section("notes")
	for _, n := range t.r.Notes {
		t.hang("  • ", 4, plain(n))
	}
}
