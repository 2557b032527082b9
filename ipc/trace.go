package ipc

import (
	"encoding/hex"
	"strings"
)

// Trace says which trace a call belongs to: the part of a W3C trace context (Trace
// Context, version 00) that crosses the wire. The zero Trace is none. It is for tools
// that follow calls through processes; no answer depends on it.
type Trace struct {
	ID    [16]byte // of the trace
	Span  [8]byte  // of the caller's span, the parent of what happens here
	Flags uint8    // bit 0: the caller records its part
}

// traceBytes is the length of a trace on the wire: id, span, flags.
const traceBytes = 16 + 8 + 1

// Valid reports whether t is a trace: neither id is all zeros.
func (t *Trace) Valid() bool { return t.ID != [16]byte{} && t.Span != [8]byte{} }

// Sampled reports whether the caller records its part.
func (t *Trace) Sampled() bool { return t.Flags&1 != 0 }

// Traceparent gives the HTTP header of that name, "" for none.
func (t *Trace) Traceparent() string {
	if !t.Valid() {
		return ""
	}
	b := make([]byte, 0, 55)
	b = hex.AppendEncode(append(b, "00-"...), t.ID[:])
	b = hex.AppendEncode(append(b, '-'), t.Span[:])
	return string(hex.AppendEncode(append(b, '-'), []byte{t.Flags}))
}

// ParseTraceparent reads the HTTP header; what is no valid one gives the zero Trace, as
// the standard asks. Later versions may have more behind the flags.
func ParseTraceparent(header string) (t Trace) {
	const length = len("00-") + 32 + 1 + 16 + 1 + 2
	if len(header) < length || header != strings.ToLower(header) || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return Trace{}
	}
	if len(header) > length && (header[:2] == "00" || header[length] != '-') {
		return Trace{}
	}
	var version, flags [1]byte
	for _, part := range []struct{ dst, src []byte }{
		{version[:], []byte(header[:2])}, {t.ID[:], []byte(header[3:35])}, {t.Span[:], []byte(header[36:52])}, {flags[:], []byte(header[53:55])},
	} {
		if _, err := hex.Decode(part.dst, part.src); err != nil {
			return Trace{}
		}
	}
	if t.Flags = flags[0]; version[0] == 0xff || !t.Valid() {
		return Trace{}
	}
	return t
}

// appendTrace writes t as bin 8.
func appendTrace(b []byte, t *Trace) []byte {
	b = append(b, 0xc4, traceBytes)
	b = append(b, t.ID[:]...)
	b = append(b, t.Span[:]...)
	return append(b, t.Flags)
}

// trace reads an element that may be a trace. Anything else that is well formed is
// stepped over: a call must not fail for what only tools look at.
func (r *reader) trace() (t Trace) {
	if r.err == nil && len(r.b)-r.off >= 2+traceBytes && r.b[r.off] == 0xc4 && r.b[r.off+1] == traceBytes {
		at := r.b[r.off+2:]
		copy(t.ID[:], at)
		copy(t.Span[:], at[16:])
		t.Flags = at[24]
	}
	if r.skip(1); r.err != nil || !t.Valid() {
		return Trace{}
	}
	return t
}
