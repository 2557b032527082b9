package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// maxJSON bounds what ReadJSON reads: many times the largest report.
const maxJSON = 64 << 20

// JSON writes the report, indented, with a newline at the end. A value that is
// not a finite number is an error ([Value] keeps them out).
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// ReadJSON reads a report of this schema. Fields that it does not know are
// skipped; another schema is an error.
func ReadJSON(in io.Reader) (*Report, error) {
	limited := &io.LimitedReader{R: in, N: maxJSON + 1}
	var r Report
	if err := json.NewDecoder(limited).Decode(&r); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("report: longer than %d bytes", maxJSON)
		}
		return nil, fmt.Errorf("report: %w", err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("report: schema %q, want %q", r.Schema, Schema)
	}
	return &r, nil
}
