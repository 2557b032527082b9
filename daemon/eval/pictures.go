package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// pictures writes what model cards show, of test only, into folder/pictures.
type pictures struct {
	folder string // "": none
	first  error
	names  []string // files written, without the extension
}

func (p *pictures) write(predictor, set, what, svg string) {
	name := predictor + "-" + set + "-" + what
	dir := filepath.Join(p.folder, "pictures")
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".svg"), []byte(svg), 0o644)
	}
	if err != nil && p.first == nil {
		p.first = err
	}
	p.names = append(p.names, name)
}

func (p *pictures) off(part string) bool { return p.folder == "" || part != "test" }

// calibration draws the reliability diagram: how often the answer was right
// against how sure it was, in ten bins of the same size.
func (p *pictures) calibration(predictor, set, part string, bins []bin) {
	if p.off(part) {
		return
	}
	var x, y []float64
	high := 0.0
	for _, b := range bins {
		x, y = append(x, b.confidence), append(y, b.right)
		high = max(high, b.confidence, b.right)
	}
	if high > 0.5 {
		high = 1
	} else {
		high *= 1.1
	}
	g := plot{
		title: fmt.Sprintf("%s, %s: calibration", predictor, set), x: axis{"said", 0, high}, y: axis{"came true", 0, high},
		lines: []line{{name: "model, ten bins", x: x, y: y, dots: true}, {name: "said = came true", x: []float64{0, high}, y: []float64{0, high}, dashed: true}},
	}
	p.write(predictor, set, "calibration", g.String())
}

// forecast draws a stretch of an entity: the first window of which the values vary
// as much as they usually do.
func (p *pictures) forecast(set, part string, f *forecasts) {
	const n = 120
	if p.off(part) || len(f.truth) < n {
		return
	}
	spread := func(at int) float64 {
		low, high := f.truth[at], f.truth[at]
		for _, v := range f.truth[at : at+n] {
			low, high = min(low, v), max(high, v)
		}
		return high - low
	}
	var at []int
	for i := 0; i+n <= len(f.truth); i += n {
		if f.entity[i] == f.entity[i+n-1] {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return
	}
	sort.SliceStable(at, func(a, b int) bool { return spread(at[a]) < spread(at[b]) })
	start := at[len(at)*3/4] // livelier than most: a flat line shows nothing
	var x []float64
	low, high := 1.0, 0.0
	for i := range n {
		x = append(x, float64(i))
		low, high = min(low, f.truth[start+i], f.model[start+i]), max(high, f.truth[start+i], f.model[start+i])
	}
	g := plot{
		title: fmt.Sprintf("workload, %s: forecast and truth", set), x: axis{"interval", 0, n}, y: axis{"share", low, high + 1e-9},
		lines: []line{{name: "model, one interval ahead", x: x, y: f.model[start : start+n]}, {name: "truth", x: x, y: f.truth[start : start+n], dashed: true}},
	}
	p.write("workload", set, "forecast", g.String())
}

func (p *pictures) bars(predictor, set, part string, names []string, model, rule []float64) {
	if !p.off(part) {
		p.write(predictor, set, "hits", bars(fmt.Sprintf("%s, %s: hit rate by program", predictor, set), names, model, rule))
	}
}

// curves draws ROC and precision against recall.
func (p *pictures) curves(predictor, set, part string, truth []bool, guesses ...guess) {
	if p.off(part) {
		return
	}
	r := plot{title: fmt.Sprintf("%s, %s: ROC", predictor, set), x: axis{"false positives", 0, 1}, y: axis{"found", 0, 1}}
	c := plot{title: fmt.Sprintf("%s, %s: precision and recall", predictor, set), x: axis{"found (recall)", 0, 1}, y: axis{"of alarms right (precision)", 0, 1}}
	for _, g := range guesses {
		fpr, tpr, precision := curve(truth, g.values)
		r.lines = append(r.lines, line{name: g.name, x: append([]float64{0}, fpr...), y: append([]float64{0}, tpr...)})
		// Between two scores there is nothing to be had but the lower one's precision.
		c.lines = append(c.lines, line{name: g.name, x: tpr, y: precision, steps: true})
	}
	p.write(predictor, set, "roc", r.String())
	p.write(predictor, set, "pr", c.String())
}

// curve gives about a hundred points of both curves.
func curve(truth []bool, scores []float64) (fpr, tpr, precision []float64) {
	order := make([]int, len(scores))
	positives := 0
	for i := range order {
		order[i] = i
		positives += b2i(truth[i])
	}
	negatives := len(scores) - positives
	sort.Slice(order, func(a, b int) bool { return scores[order[a]] > scores[order[b]] })
	const points = 100
	hits, false_, lastF, lastT := 0, 0, -1.0, -1.0
	for k, i := range order {
		if truth[i] {
			hits++
		} else {
			false_++
		}
		if k+1 < len(order) && scores[order[k+1]] == scores[i] {
			continue
		}
		f, t := float64(false_)/float64(negatives), float64(hits)/float64(positives)
		if f-lastF < 1.0/points && t-lastT < 1.0/points && k+1 < len(order) {
			continue
		}
		lastF, lastT = f, t
		fpr, tpr, precision = append(fpr, f), append(tpr, t), append(precision, float64(hits)/float64(k+1))
	}
	return fpr, tpr, precision
}
