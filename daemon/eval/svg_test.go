package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var path = regexp.MustCompile(`<path d="(M[^"]*)" fill="none"`)

// A rule that knows two scores has two points of precision and recall, and nothing between
// them: a straight line from the first to the last would promise what no threshold gives.
func TestCurvesPromiseNothingBetweenScores(t *testing.T) {
	truth, scores := make([]bool, 1000), make([]float64, 1000)
	for i := range truth {
		truth[i] = i%10 == 0
		scores[i] = float64(b2i(i < 10)) // finds one of a hundred
	}
	truth[1] = true
	p := pictures{folder: t.TempDir()}
	p.curves("failure", "oom", "test", truth, guess{"rule", scores})
	if p.first != nil {
		t.Fatal(p.first)
	}
	lines := func(name string) string {
		text, err := os.ReadFile(filepath.Join(p.folder, "pictures", "failure-oom-"+name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		m := path.FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s has no line", name)
		}
		return string(m[1])
	}
	if got := lines("pr"); got != "M56 195.6H63.4V215.6H428.0" {
		t.Errorf("precision and recall go %s", got)
	}
	if got := lines("roc"); !strings.HasPrefix(got, "M56.0 236.0L") || !strings.HasSuffix(got, "L428.0 34.0") {
		t.Errorf("the ROC goes %s, not from corner to corner", got)
	}
}

// The names of the lines stand above the plot, where no line can be.
func TestTheLegendIsNotInThePlot(t *testing.T) {
	flat := []float64{1, 1}
	svg := (&plot{
		title: "t", x: axis{"x", 0, 1}, y: axis{"y", 0, 1},
		lines: []line{{name: "a < b", x: []float64{0, 1}, y: flat}, {name: "c", x: []float64{0, 1}, y: flat, dashed: true}},
	}).String()
	legend := svg[strings.LastIndex(svg, "<text"):]
	if !strings.Contains(legend, `y="30"`) || !strings.Contains(legend, ">a &lt; b<") || !strings.Contains(legend, ">c<") {
		t.Errorf("legend %s", legend)
	}
	if _, y := (&plot{x: axis{high: 1}, y: axis{high: 1}}).at(0, 1); y <= 30 || math.IsNaN(y) {
		t.Errorf("the plot begins at %v", y)
	}
}
