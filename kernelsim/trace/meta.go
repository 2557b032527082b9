package trace

import (
	"bytes"
	"fmt"
	"strconv"
)

// Version is the trace format's version that this package reads.
const Version = 1

// Set names the kind of records in a trace, which is the prediction they serve.
type Set string

// The four sets.
const (
	SetMemory   Set = "memory"   // Fault
	SetThreat   Set = "threat"   // Syscall
	SetWorkload Set = "workload" // Usage
	SetFailure  Set = "failure"  // Pressure
)

// Meta is what a trace says about itself in its preamble.
type Meta struct {
	Version int
	Set     Set
	Name    string // the stream's name, as in the file name
	Program string // what ran, in words
	// Kind is the truth about the whole stream as a threat_type, 0-5: 0 for
	// everything benign. Label says it in words.
	Kind  uint8
	Label string
	Rows  int // rows that follow, 1 to MaxRows
	// Keys holds every key of the preamble as written, those above included,
	// for reports (recorded-on, kernel, limit-bytes, ...).
	Keys map[string]string
}

// Limits of a preamble. The committed traces use 15 keys at most.
const (
	maxKeys = 64
	// MaxRows bounds the rows of one trace: about five minutes of page faults
	// at the rate of the busiest recorded program.
	MaxRows = 1 << 20
	// maxKind is the largest threat_type.
	maxKind = 5
)

// add takes one preamble line, without its line end.
func (m *Meta) add(line []byte) error {
	key, value, ok := bytes.Cut(line[1:], []byte(": "))
	key = bytes.TrimPrefix(key, []byte(" "))
	if !ok || len(key) == 0 || len(value) == 0 {
		return fmt.Errorf("%w preamble line %.40q", ErrFormat, line)
	}
	if m.Keys == nil {
		// The version line comes first, so that a reader of another version
		// stops here and does not trip over what that version changed.
		if string(key) != "mlbridge-trace" {
			return fmt.Errorf("%w: not an mlbridge trace", ErrFormat)
		}
		m.Keys = make(map[string]string)
	}
	if _, twice := m.Keys[string(key)]; twice {
		return fmt.Errorf("%w: key %q twice", ErrFormat, key)
	}
	if len(m.Keys) == maxKeys {
		return fmt.Errorf("%w: more than %d preamble keys", ErrLimit, maxKeys)
	}
	m.Keys[string(key)] = string(value)
	return m.take(string(key), string(value))
}

// take stores the keys that have a field of their own; others stay in Keys.
func (m *Meta) take(key, value string) error {
	switch key {
	case "mlbridge-trace":
		if value != strconv.Itoa(Version) {
			return fmt.Errorf("%w %.20q, want %d", ErrVersion, value, Version)
		}
		m.Version = Version
	case "set":
		m.Set = Set(value)
	case "name":
		m.Name = value
	case "program":
		m.Program = value
	case "label":
		m.Label = value
	case "kind":
		n, err := number([]byte(value), maxKind)
		if err != nil {
			return fmt.Errorf("kind: %w", err)
		}
		m.Kind = uint8(n)
	case "rows":
		n, err := number([]byte(value), MaxRows)
		if err != nil {
			return fmt.Errorf("rows: %w", err)
		}
		m.Rows = int(n)
	}
	return nil
}

// complete reports the first required key that the preamble lacks.
func (m *Meta) complete() error {
	for _, key := range [...]string{"mlbridge-trace", "set", "name", "program", "label", "kind", "rows"} {
		if _, ok := m.Keys[key]; !ok {
			return fmt.Errorf("%w: preamble lacks %q", ErrFormat, key)
		}
	}
	if m.Rows == 0 {
		return fmt.Errorf("%w: a trace has at least one row", ErrFormat)
	}
	return nil
}
