package predict

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/features"
)

// metadata reads what a model file says about itself. The first thing wrong is
// kept in err.
type metadata struct {
	values  map[string]string
	outputs []engine.Output
	inputs  int
	err     error
}

func newMetadata(m *engine.Model) *metadata {
	return &metadata{values: m.Metadata(), outputs: m.Outputs(), inputs: m.Inputs()}
}

func (m *metadata) failf(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
	}
}

// add takes what is said about the model beside its file.
func (m *metadata) add(beside map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(beside)) {
		have, said := m.values[key], beside[key]
		if have != "" && said != "" && have != said {
			m.failf("%s: the file says %q, the manifest %q", key, have, said)
		}
		if have == "" {
			m.values[key] = said
		}
	}
}

func (m *metadata) text(key string) string {
	v := m.values[key]
	if v == "" {
		m.failf("neither the manifest nor the file's metadata has %q", key)
	}
	return v
}

// layout checks that the model was fitted on the rows that l describes.
func (m *metadata) layout(l *features.Layout) {
	if p := m.text("predictor"); m.err == nil && p != l.Predictor {
		m.failf("the file holds a %s model", p)
	}
	if v := m.text("features"); m.err == nil && v != l.Version {
		m.failf("fitted on features %s, this program computes %s (train again) or, for models that are brought along, %s", v, l.Version, features.FieldsVersion)
	}
	if m.err == nil && m.inputs != l.Width() {
		m.failf("%d inputs, want %d", m.inputs, l.Width())
	}
}

// output finds an output of one number a row by its name.
func (m *metadata) output(name string) int {
	for i, o := range m.outputs {
		if o.Name == name {
			if o.Width != 1 {
				m.failf("output %q has %d numbers a row, want 1", name, o.Width)
			}
			return i
		}
	}
	m.failf("no output %q", name)
	return 0
}

// optional finds an output of so many numbers a row, -1 where there is none.
func (m *metadata) optional(name string, width int) int {
	for i, o := range m.outputs {
		if o.Name == name {
			if o.Width != width {
				m.failf("output %q has %d numbers a row, want %d", name, o.Width, width)
			}
			return i
		}
	}
	return -1
}

// numbers reads want comma-separated integers between 1 and limit.
func (m *metadata) numbers(key string, want int, limit uint64) []uint64 {
	out := make([]uint64, 0, want)
	parts := strings.Split(m.text(key), ",")
	for _, part := range parts {
		v, err := strconv.ParseUint(part, 10, 64)
		if err != nil || v == 0 || v > limit {
			m.failf("metadata %q: %q is not in 1..%d", key, part, limit)
			v = 1
		}
		out = append(out, v)
	}
	if len(out) != want {
		m.failf("metadata %q has %d numbers, want %d", key, len(out), want)
		return make([]uint64, want)
	}
	return out
}
