package ipc

import (
	"bytes"
	"errors"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// One target a message. Each starts from the golden vectors of its message (good
// and malformed) and from the committed inputs under testdata/fuzz.
//
// Run one: go test ./ipc -run '^$' -fuzz '^FuzzPredict$' -fuzztime 1m

func FuzzHelloOfClient(f *testing.F) { fuzzMessage(f, msgHello, false) }
func FuzzHelloOfServer(f *testing.F) { fuzzMessage(f, msgHello, true) }
func FuzzPing(f *testing.F)          { fuzzMessage(f, msgPing, false) }
func FuzzPong(f *testing.F)          { fuzzMessage(f, msgPong, true) }
func FuzzPredict(f *testing.F)       { fuzzMessage(f, msgPredict, false) }
func FuzzReply(f *testing.F)         { fuzzMessage(f, msgReply, true) }
func FuzzError(f *testing.F)         { fuzzMessage(f, msgError, true) }
func FuzzOutcome(f *testing.F)       { fuzzMessage(f, msgOutcome, false) }
func FuzzGoAway(f *testing.F)        { fuzzMessage(f, msgGoAway, true) }

// fuzzMessage checks what must hold for any bytes: they are refused with a fault
// and nothing of them is used, or they decode to a message that survives being
// written and read again, and that has exactly one encoding.
func fuzzMessage(f *testing.F, kind messageType, fromServer bool) {
	for _, v := range loadVectors(f) {
		if payload, err := v.payload(); err == nil && v.fromServer == fromServer && len(payload) > 1 && payload[1] == byte(kind) {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		original := bytes.Clone(payload)
		m, err := decodeEnvelope(payload, fromServer)
		if !bytes.Equal(payload, original) {
			t.Fatal("decoding changed the frame")
		}
		if err != nil {
			if !errors.Is(err, &ProtocolError{}) {
				t.Fatalf("decode = %v, want a ProtocolError", err)
			}
			if m != nil {
				t.Fatal("a message besides an error")
			}
			return
		}
		if m.kind != kind {
			return // another target's
		}
		checkSlots(t, m)
		if m.writable() {
			checkRoundTrip(t, m)
		}
	})
}

// checkRoundTrip writes m, reads it and writes it again.
func checkRoundTrip(t *testing.T, m *envelope) {
	t.Helper()
	first := m.append(nil)
	again, err := decodeEnvelope(first, m.fromServer)
	if err != nil {
		t.Fatalf("our own encoding % x: %v", first, err)
	}
	m.refused = false // what was left out is not written
	if got, want := again.describe().String(), m.describe().String(); got != want {
		t.Fatalf("after writing and reading:\n%s\nbefore:\n%s", got, want)
	}
	if second := again.append(nil); !bytes.Equal(first, second) {
		t.Fatalf("two encodings of one message:\n% x\n% x", first, second)
	}
}

// checkSlots checks that a slot has either a valid request or a reason that names
// the peer's mistake.
func checkSlots(t *testing.T, m *envelope) {
	t.Helper()
	for i, s := range m.slots {
		switch {
		case s.err == nil:
			if err := s.request.Validate(); err != nil {
				t.Fatalf("slot %d passed but is invalid: %v", i, err)
			}
		case s.request != nil:
			t.Fatalf("slot %d has a request besides an error", i)
		case s.err.Status != StatusInvalidArgument && s.err.Status != StatusUnimplemented:
			t.Fatalf("slot %d: %v", i, s.err)
		}
	}
}

// FuzzSkip compares the reader's skip with the library's: the same bytes are one
// value, of the same length. Nesting apart, where only ours has a bound.
func FuzzSkip(f *testing.F) {
	for _, v := range loadVectors(f) {
		if payload, err := v.payload(); err == nil {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: b}
		r.skip(0)
		if errors.Is(r.err, &ProtocolError{Kind: FaultDepth}) {
			return
		}
		in := bytes.NewReader(b)
		oracle := msgpack.NewDecoder(in).Skip()
		if (r.err == nil) != (oracle == nil) {
			t.Fatalf("skip(% x) = %v, the library says %v", b, r.err, oracle)
		}
		if took := len(b) - in.Len(); r.err == nil && took != r.off {
			t.Fatalf("skip(% x) took %d bytes, the library %d", b, r.off, took)
		}
	})
}

// FuzzFrames cuts a stream in two anywhere: the frames that come out are the same
// as those of the whole.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01a\x00\x00\x00\x02bc"), 6)
	f.Add([]byte("\x00\x00\x00\x00"), 2)
	f.Add([]byte("\x00\x10\x00\x01x"), 4)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		whole, _, wholeErr := cutFrames(stream)
		at := min(max(cut, 0), len(stream))
		first, rest, err := cutFrames(stream[:at])
		if err == nil {
			var second [][]byte
			second, _, err = cutFrames(append(bytes.Clone(rest), stream[at:]...))
			first = append(first, second...)
		}
		if !bytes.Equal(bytes.Join(first, []byte("|")), bytes.Join(whole, []byte("|"))) || len(first) != len(whole) {
			t.Fatalf("cut at %d: %q, whole: %q", at, first, whole)
		}
		if (err == nil) != (wholeErr == nil) {
			t.Fatalf("cut at %d: %v, whole: %v", at, err, wholeErr)
		}
	})
}

func cutFrames(stream []byte) (frames [][]byte, rest []byte, err error) {
	for {
		var payload []byte
		if payload, stream, _, err = nextFrame(stream, 1<<20); payload == nil {
			return frames, stream, err
		}
		frames = append(frames, payload)
	}
}
