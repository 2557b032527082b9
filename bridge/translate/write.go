package translate

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/mlbridge/mlbridge/ipc"
)

// Form says how a document is written.
type Form struct {
	// U64AsString writes every 64-bit integer as a string of digits, for readers
	// whose numbers are doubles and so exact up to 2^53 only.
	U64AsString bool
	// Address is how addresses are written.
	Address AddressForm
}

// writer appends JSON. Its first error sticks: a float that is not finite has no
// JSON form and must never leave as something else.
type writer struct {
	b     []byte
	form  Form
	comma bool // whether a value came before in this object or array
	err   error
	// unobserved are the values that are left out of the prediction under way.
	unobserved ipc.Targets
}

func (w *writer) open(c byte) {
	w.separate()
	w.b = append(w.b, c)
	w.comma = false
}

func (w *writer) close(c byte) {
	w.b = append(w.b, c)
	w.comma = true
}

// separate writes the comma between two values of one object or array.
func (w *writer) separate() {
	if w.comma {
		w.b = append(w.b, ',')
	}
	w.comma = true
}

func (w *writer) name(name string) {
	w.separate()
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
	w.comma = false
}

func (w *writer) null() {
	w.separate()
	w.b = append(w.b, "null"...)
}

func (w *writer) integer(v int64) {
	w.separate()
	w.b = strconv.AppendInt(w.b, v, 10)
}

func (w *writer) u8(v uint8) { w.integer(int64(v)) }

func (w *writer) u64(v uint64) {
	w.separate()
	if w.form.U64AsString {
		w.b = append(strconv.AppendUint(append(w.b, '"'), v, 10), '"')
		return
	}
	w.b = strconv.AppendUint(w.b, v, 10)
}

func (w *writer) never(v uint64) {
	if v == ipc.Never {
		w.null()
		return
	}
	w.u64(v)
}

func (w *writer) optU64(v ipc.Optional[uint64]) {
	if !v.Valid {
		w.null()
		return
	}
	w.u64(v.Value)
}

// f32 writes the shortest decimal that reads back as v.
func (w *writer) f32(v float32) { w.float(float64(v), 32) }

func (w *writer) float(v float64, bits int) {
	w.separate()
	if math.IsNaN(v) || math.IsInf(v, 0) {
		if w.err == nil {
			w.err = &ipc.StatusError{Status: ipc.StatusInternal, Text: "a number that is not finite has no JSON form"}
		}
		return
	}
	// Plain digits where people read them, an exponent where digits would be zeros.
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	w.b = strconv.AppendFloat(w.b, v, format, -1, bits)
}

func (w *writer) optF32(v ipc.Optional[float32]) {
	if !v.Valid {
		w.null()
		return
	}
	w.f32(v.Value)
}

// text writes a string. Bytes that are not UTF-8 become U+FFFD: names from the
// socket may hold any bytes, JSON may not.
func (w *writer) text(v string) {
	w.separate()
	w.b = append(w.b, '"')
	for _, r := range v {
		switch {
		case r == '"' || r == '\\':
			w.b = append(w.b, '\\', byte(r))
		case r < 0x20 || r == 0x2028 || r == 0x2029:
			const hex = "0123456789abcdef"
			w.b = append(w.b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			w.b = utf8.AppendRune(w.b, r)
		}
	}
	w.b = append(w.b, '"')
}

// each writes an array with one call per element.
func each[T any](w *writer, list []T, put func(T)) {
	w.open('[')
	for _, v := range list {
		put(v)
	}
	w.close(']')
}
