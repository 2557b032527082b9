package translate

import (
	"strconv"

	"github.com/mlbridge/mlbridge/daemon/api"
)

// AddressForm is how the addresses of a memory document are written; the daemon's
// API has the same two.
type AddressForm = api.AddressForm

const (
	// AddressU64 is the default: virtual addresses as exact 64-bit integers.
	AddressU64 = api.AddressU64
	// AddressNormalised32 is the origin's form: address / 2^32 as a float in
	// [0, 1]. A double holds every address up to 2^32 exactly; a client that
	// computes in float32 has already lost all but the leading 24 bits.
	AddressNormalised32 = api.AddressNormalised32
)

// address reads an address in the document's form. Normalised ones are read as
// doubles and rounded to the nearest address.
func (s *scanner) address() uint64 {
	if s.form == AddressU64 {
		return s.u64()
	}
	text, _ := s.literal("a number in [0, 1], the address divided by 2^32")
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		s.fail("%s is outside [0, 1]; with address_form normalised32 addresses are divided by 2^32", clipped(text))
		return 0
	}
	return api.FromNormalised(v)
}

// address writes an address in the document's form. The quotient is a double: it
// is exact for addresses of up to 53 significant bits, and above 1 for an address
// above 2^32, which an answer about earlier questions of the agent may name.
func (w *writer) address(a uint64) {
	if w.form.Address == AddressU64 {
		w.u64(a)
		return
	}
	w.float(api.Normalise(a), 64)
}

// lookAtAddressForm sets the form for the object that comes next.
func (s *scanner) lookAtAddressForm() {
	s.form = AddressU64
	if v, ok := s.lookup("address_form"); ok && v == AddressNormalised32.String() {
		s.form = AddressNormalised32
	}
}

// addressFormField checks the form's name; its meaning was applied before, since
// members come in any order.
func addressFormField[T any]() field[T] {
	return field[T]{
		name: "address_form", optional: true, // u64
		get: func(s *scanner, _ *T) {
			if v := s.text(); s.err == nil && v != s.form.String() {
				s.fail("%s is not u64 or normalised32", quoted(v))
			}
		},
		put:  func(w *writer, _ *T) { w.text(w.form.Address.String()) },
		omit: func(w *writer, _ *T) bool { return w.form.Address == AddressU64 },
	}
}
