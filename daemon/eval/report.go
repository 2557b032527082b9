package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// report writes EVAL.md and, from the template, CARDS.md.
func (e *evaluation) report(dir, cards string) error {
	if e.picture.first != nil {
		return e.picture.first
	}
	if err := os.WriteFile(filepath.Join(dir, "EVAL.md"), e.markdown(), 0o644); err != nil {
		return err
	}
	if cards == "" {
		return nil
	}
	text, err := os.ReadFile(cards)
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return err
	}
	entries, err := models.ParseManifest(manifest)
	if err != nil {
		return err
	}
	t, err := template.New("cards").Option("missingkey=error").Funcs(template.FuncMap{
		"card":  func(predictor string) (models.Entry, error) { return entryOf(entries, predictor) },
		"value": func(path string) (number, error) { return e.value(path, func(r row) number { return r.Model }) },
		"rule":  func(path string) (number, error) { return e.value(path, func(r row) number { return r.Rule }) },
		"table": e.table,
	}).Parse(string(text))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, nil); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "CARDS.md"), b.Bytes(), 0o644)
}

func entryOf(entries []models.Entry, predictor string) (models.Entry, error) {
	for _, e := range entries {
		if e.Predictor == predictor {
			return e, nil
		}
	}
	return models.Entry{}, fmt.Errorf("the manifest has no %s", predictor)
}

// value is whose value of predictor/set/part/metric: a missing one is an error, not a gap.
func (e *evaluation) value(path string, whose func(row) number) (number, error) {
	for _, r := range e.rows {
		if strings.Join([]string{r.Predictor, r.Set, r.Part, r.Metric}, "/") == path {
			return whose(r), nil
		}
	}
	return 0, fmt.Errorf("no value %s", path)
}

// table is a predictor's rows of one part, without those by program.
func (e *evaluation) table(predictor, part string) string {
	var b strings.Builder
	writeHead(&b)
	for _, r := range e.rows {
		if r.Predictor == predictor && r.Part == part && !strings.Contains(r.Set, ":") {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(r.cells(), " | "))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func writeHead(b *strings.Builder) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(heads, " | "), strings.Repeat(" --- |", len(heads)))
}

func (e *evaluation) markdown() []byte {
	var b strings.Builder
	b.WriteString(`# Evaluation

Written by ` + "`daemon/eval -report`" + `, as ` + "`daemon/train/run`" + ` calls it; do not edit. Model, rule and simple guesses answer the same
questions, the model as it is served. ` + "`val`" + ` chose stopping points, calibration and bounds. Models whose version ends in
` + "`-research`" + ` were also fitted to data for research and study only (` + "`make train FREE=0`" + `), of which there is none for memory and failure.

"95 %" is the interval of the model's value, "gain" that of its advantage over the better of rule and best
simple guess (positive: the model is better): bootstrap, 200 draws, by entity where there are at least 20, else by blocks
of consecutive questions within entities; ` + "`eval.json`" + ` says which. mae is in points of 1/100. ece: expected
calibration error of ` + "`confidence`" + `, ten bins of the same size. Workloads are asked about with what a client that
follows its agents knows of their past, in sets ` + "`_alone`" + ` without it. Memory is bytes on the wire, and its rule the
last value; ` + "`_mem_shares`" + ` has the rule for shares instead, as the references of the data do (` + "`docs/judging.md`" + `).
`)
	last := ""
	for _, r := range e.rows {
		if r.Predictor != last {
			last = r.Predictor
			fmt.Fprintf(&b, "\n## %s\n\n", last)
			if kind, err := ipc.ParseKind(last); err == nil && e.by.model(kind) != "" {
				fmt.Fprintf(&b, "Of `%s`:\n\n", e.by.model(kind))
			}
			writeHead(&b)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(r.cells(), " | "))
	}
	return []byte(b.String())
}
