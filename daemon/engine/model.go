package engine

import (
	"fmt"
	"maps"
	"slices"
)

// Model is a loaded, validated and compiled model. It is immutable and safe
// for concurrent use; each goroutine that runs it needs its own [Session].
type Model struct {
	features int
	outputs  []Output
	metadata map[string]string
	steps    []step
	slots    []int     // width of each slot of a session's memory
	lanes    int       // columns of a session's lanes
	results  []*buffer // one per output
	foreign  Runtime   // computes instead of steps, where there is one
}

// Runtime is another engine's model, such as package ort's. Run computes all outputs for
// n rows into out, one slice an output, and may be called by many goroutines.
type Runtime interface {
	Run(rows []float32, n int, out [][]float32) error
}

// Foreign is a model that another engine runs.
func Foreign(features int, outputs []Output, metadata map[string]string, by Runtime) *Model {
	return &Model{features: features, outputs: outputs, metadata: metadata, foreign: by}
}

// Output describes one graph output: float32, Width values per row. Integer
// outputs (class labels) come as their float32 value, string labels as their
// index in the operator's label list.
type Output struct {
	Name  string
	Width int
}

// Load parses, validates and compiles a model file. On any error the model is
// nil and the error wraps [ErrMalformed], [ErrUnsupported] or [ErrLimit] and
// names the part at fault, the operator included. Load never panics on
// hostile data and allocates in proportion to len(data) within lim. The model
// keeps no reference to data.
func Load(data []byte, lim Limits) (*Model, error) {
	lim = lim.withDefaults()
	if len(data) > lim.FileBytes {
		return nil, fmt.Errorf("engine: %w", tooMany("bytes", lim.FileBytes))
	}
	q := newQuota(lim, len(data))
	p, err := parseModel(data, q)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	m, err := compileModel(p, q)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return m, nil
}

// Inputs is the number of features of a row.
func (m *Model) Inputs() int { return m.features }

// Outputs lists the outputs in the order of the file.
func (m *Model) Outputs() []Output { return slices.Clone(m.outputs) }

// Metadata is a copy of the file's metadata_props.
func (m *Model) Metadata() map[string]string { return maps.Clone(m.metadata) }

// RowFloats is the number of float32 a session holds per row of its batch.
func (m *Model) RowFloats() int { return sum(m.slots) }

// Session is the scratch memory to run a model on batches of bounded size.
// One goroutine at a time may use it; sessions of one model are independent.
type Session struct {
	m    *Model
	max  int
	rows int
	mem  memory
	out  [][]float32 // of a foreign model
}

// NewSession allocates all the memory that runs of up to maxBatch rows need,
// 4 × maxBatch × [Model.RowFloats] bytes and up to 8 KiB for trees. maxBatch below 1
// counts as 1.
func (m *Model) NewSession(maxBatch int) *Session {
	maxBatch = max(maxBatch, 1)
	s := &Session{m: m, max: maxBatch, mem: memory{slots: make([][]float32, len(m.slots)), lanes: make([]column, m.lanes)}}
	if m.foreign != nil {
		for _, o := range m.outputs {
			s.out = append(s.out, make([]float32, o.Width*maxBatch))
		}
		return s
	}
	arena := make([]float32, m.RowFloats()*maxBatch)
	for i, width := range m.slots {
		size := width * maxBatch
		s.mem.slots[i], arena = arena[:size:size], arena[size:]
	}
	return s
}

// MaxBatch is the largest n that [Session.Run] accepts.
func (s *Session) MaxBatch() int { return s.max }

// Run computes all outputs for n rows: rows holds n × Inputs values, row after
// row, is only read, and is not kept. Results do not depend on how rows are
// grouped into batches, to the bit. NaN features are legal: trees route them
// as the model says, arithmetic carries them into the outputs.
//
// The error is about n or len(rows) only; nothing has then been computed and
// earlier outputs stand. Run allocates nothing. (A foreign model's engine may fail
// otherwise, and allocate.)
func (s *Session) Run(rows []float32, n int) error {
	if n < 0 || n > s.max {
		return fmt.Errorf("engine: batch of %d rows, session allows 0 to %d", n, s.max)
	}
	if len(rows) != n*s.m.features {
		return fmt.Errorf("engine: %d values for %d rows of %d features", len(rows), n, s.m.features)
	}
	s.rows = n
	if s.m.foreign != nil {
		return s.m.foreign.Run(rows, n, s.out)
	}
	s.mem.slots[0] = rows
	for _, st := range s.m.steps {
		st.run(&s.mem, n)
	}
	s.mem.slots[0] = nil
	return nil
}

// Output returns the values of output i for the rows of the last Run, row
// after row. They are valid until the next Run and may be modified.
func (s *Session) Output(i int) []float32 {
	if s.m.foreign != nil {
		return s.out[i][:s.rows*s.m.outputs[i].Width]
	}
	return s.mem.rows(s.m.results[i], s.rows)
}
