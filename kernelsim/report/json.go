package report

import (
	"encoding/json"
	"fmt"
	"io"
)

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
