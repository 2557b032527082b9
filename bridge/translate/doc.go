// Package translate converts between the kernel side's JSON and the ipc types. It
// is pure: bytes in, values out, no clock, no network, no state.
//
// The JSON is that of the bridge's HTTP API (docs/http.md): snake_case names, one
// flat object per question, the names and units of docs/fields.md. Three rules run
// through all of it.
//
// Nothing is guessed. An unknown field is an error that names the nearest known
// one, a field given twice is an error, a missing field is an error unless leaving
// it out has one honest meaning: an absent history is empty, an absent current_gpu
// is no GPU, an absent time_since_* is never. 0, hour 0 and 0.0 are values like any
// other.
//
// Nothing is rounded in silence. A u64 is read from an exact JSON integer or from
// a string of decimal digits and never passes through a float; 1e3 or 1.0 is no
// integer here. A number that does not fit a float32 is an error. Output is exact
// integers (or strings, for readers whose numbers are doubles) and the shortest
// decimal text that reads back as the same float32.
//
// Nothing is trusted. Nesting, array lengths and slot counts are bounded while
// reading, so what is built is bounded by the limits and not by the text.
//
// Every error is an *ipc.StatusError with StatusInvalidArgument whose text starts
// with the path of the field, as in "anomalies[3].severity: want a number".
package translate
