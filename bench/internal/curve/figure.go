package curve

import (
	"encoding/json"
	"math"
)

// Figure is a measured number that may be missing: it is then NaN, null in JSON and "-"
// in tables.
type Figure float64

// Missing is a figure that was not measured or makes no sense.
var Missing = Figure(math.NaN())

// Known reports whether f is a number.
func (f Figure) Known() bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// MarshalJSON keeps four significant digits: the rest is noise.
func (f Figure) MarshalJSON() ([]byte, error) {
	if !f.Known() {
		return []byte("null"), nil
	}
	v := float64(f)
	if v != 0 {
		scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
		v = math.Round(v*scale) / scale
	}
	return json.Marshal(v)
}

// UnmarshalJSON takes null for a missing figure.
func (f *Figure) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*f = Missing
		return nil
	}
	return json.Unmarshal(b, (*float64)(f))
}
