package predict

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// plain reads models on the request's own fields (features.FieldsVersion), one row a
// question. Their outputs carry the names of the reply's fields; those that a model
// does not have are left out of answers where a reply may, or come from the rules.
type plain struct {
	meta  *metadata
	out   map[string]column // those that nobody has taken yet
	given string            // all their names, for messages
}

// newPlain gives the family of kind k for a model on plain fields.
func newPlain(k ipc.Kind, m *metadata) family {
	layout := features.FieldsOf(k)
	order := m.order(layout)
	if order == nil {
		m.layout(layout)
	}
	out := m.columns()
	p := plain{m, out, strings.Join(slices.Sorted(maps.Keys(out)), ", ")}
	var f family
	switch k {
	case ipc.Workload:
		f = newWorkloadFields(&p)
	case ipc.Threat:
		f = newThreatFields(&p)
	case ipc.Failure:
		f = newFailureFields(&p)
	case ipc.Memory:
		f = newMemoryFields(&p)
	}
	for name := range p.out {
		m.failf("%v models have no output %q", k, name)
	}
	if order != nil {
		return &reordered{family: f, order: order, width: layout.Width()}
	}
	return f
}

// reordered gives a model its own choice and order of the layout's columns.
type reordered struct {
	family
	order []int // for each of the model's inputs, its column in the layout
	width int   // of the layout
}

func (r *reordered) prepare(q ipc.Request, s *slot, dst []float32) int {
	r.family.prepare(q, s, s.row[:r.width])
	for i, column := range r.order {
		dst[i] = s.row[column]
	}
	return 1
}

// order reads the metadata "inputs": the columns that the model wants, by name and in
// its order, separated by commas. Without it the model wants the layout as it is.
func (m *metadata) order(l *features.Layout) []int {
	if m.values["inputs"] == "" {
		return nil
	}
	if p := m.text("predictor"); m.err == nil && p != l.Predictor {
		m.failf("the file holds a %s model", p)
	}
	var order []int
	for name := range strings.SplitSeq(m.values["inputs"], ",") {
		name = strings.TrimSpace(name)
		column := slices.Index(l.Names, name)
		if column < 0 {
			m.failf("no input is called %q; there are %s", name, strings.Join(l.Names, ", "))
			return nil
		}
		order = append(order, column)
	}
	if m.inputs != len(order) {
		m.failf("the file has %d inputs, %q names %d", m.inputs, "inputs", len(order))
	}
	return order
}

// must takes the column of a name that a model has to have.
func (p *plain) must(name string) column {
	c, ok := p.may(name)
	if !ok {
		p.meta.failf("no output %q among %s", name, p.given)
	}
	return c
}

// may takes the column of a name where the model has it.
func (p *plain) may(name string) (column, bool) {
	c, ok := p.out[name]
	delete(p.out, name)
	return c, ok
}

// confidence takes the column of a model's confidence, or the constant that the metadata
// "confidence" gives for one that tells none.
func (p *plain) confidence() column {
	text := p.meta.values["confidence"]
	if c, own := p.may("confidence"); own {
		return c
	}
	if text == "" {
		p.meta.failf("no output %q among %s: a constant of that name in the manifest does, too", "confidence", p.given)
		return column{}
	}
	v, err := strconv.ParseFloat(text, 32)
	if err != nil || !(v >= 0 && v <= 1) {
		p.meta.failf("metadata %q: %q is not in 0..1", "confidence", text)
	}
	return column{constant: float32(v)}
}

// oneRow is a family with a row for each question.
type oneRow struct{}

func (oneRow) maxRows() int { return 1 }

// ownConfidence is a model's confidence: its output, or, without one, the probability
// that the verdict at 0.5 is right.
type ownConfidence struct {
	column column
	given  bool
}

func (p *plain) ownConfidence() (c ownConfidence) {
	c.column, c.given = p.may("confidence")
	return c
}

func (c ownConfidence) of(w *worker, row int, probability float32) float32 {
	if c.given {
		return unit(c.column.of(w, row))
	}
	return verdict(probability)
}

// classes takes the columns of n classes: all of them, or none.
func (p *plain) classes(prefix string, n int) []column {
	some := false
	for name := range p.out {
		some = some || strings.HasPrefix(name, prefix)
	}
	if !some {
		return nil
	}
	list := make([]column, n)
	for i := range list {
		list[i] = p.must(prefix + string(rune('0'+i)))
	}
	return list
}

// largest gives the class with the largest number, the first among equals.
func largest(classes []column, w *worker, row int) uint8 {
	best, most := 0, classes[0].of(w, row)
	for i, c := range classes[1:] {
		if v := c.of(w, row); v > most {
			best, most = i+1, v
		}
	}
	return uint8(best)
}
