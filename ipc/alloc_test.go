package ipc

import (
	"runtime"
	"testing"
)

// The hot path allocates nothing once its storage has grown. Allocations are
// counted, never timed.

func wantAllocs(t *testing.T, what string, want float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > want {
		t.Errorf("%s: %v allocations, want at most %v", what, got, want)
	}
}

// allocBatches are the batches looked at: each kind alone, and 256 mixed slots.
func allocBatches() map[string][]Request {
	batches := map[string][]Request{}
	for _, k := range Kinds {
		batches[k.String()] = []Request{largestRequest(k)}
	}
	for i := range DefaultLimits().Batch {
		batches["batch"] = append(batches["batch"], largestRequest(Kinds[i%len(Kinds)]))
	}
	return batches
}

func TestPredictAllocatesNothing(t *testing.T) {
	for name, reqs := range allocBatches() {
		var b []byte
		wantAllocs(t, "encode "+name, 0, func() {
			var start int
			b, start = beginFrame(b[:0])
			b = endFrame(appendPredict(b, 7, Options{Budget: 1, RequireModel: true}, reqs), start)
		})
		lim := DefaultLimits()
		stores := make([]requestStore, len(reqs))
		wantAllocs(t, "decode "+name, 0, func() {
			payload, _, _, err := nextFrame(b, lim.Frame)
			if err != nil {
				t.Fatal(err)
			}
			r := reader{b: payload}
			n, _ := r.header()
			h := r.predictHead(n, &lim)
			for i := range h.slots {
				if _, err := r.slot(&stores[i]); err != nil {
					t.Fatal(err)
				}
			}
			if r.predictTail(n); r.err != nil {
				t.Fatal(r.err)
			}
		})
	}
}

func TestReplyAllocatesNothing(t *testing.T) {
	for name, reqs := range allocBatches() {
		replies := make([]Reply, len(reqs))
		for i, q := range reqs {
			replies[i] = largestReply(q.Kind())
		}
		var b []byte
		wantAllocs(t, "encode "+name, 0, func() {
			b = appendReplyHead(b[:0], 7, len(replies))
			for i := range replies {
				b = appendReplySlot(b, &replies[i])
			}
		})
		var names interner
		wantAllocs(t, "decode "+name, 0, func() {
			r := reader{b: b}
			n, _ := r.header()
			_, slots := r.replyHead(n, 256)
			for i := range slots {
				r.replySlot(&replies[i], &names)
			}
			if r.skipRest(n, 3); r.end() != nil {
				t.Fatal(r.err)
			}
		})
	}
}

// TestOutcomesAllocate allows one allocation for each component's name: an outcome
// is kept for joining, so its strings cannot alias the frame.
func TestOutcomesAllocate(t *testing.T) {
	for _, k := range Kinds {
		p := largestReply(k)
		outcomes := []Outcome{{PredictionID: 1, Subject: largestRequest(k).Subject(), Actual: p.Prediction}}
		var b []byte
		wantAllocs(t, "encode outcome of "+k.String(), 0, func() { b = appendOutcomes(b[:0], outcomes) })
		lim := DefaultLimits()
		want := 0.0
		if k == Failure {
			want = 1
		}
		var dst []Outcome
		wantAllocs(t, "decode outcome of "+k.String(), want, func() {
			r := reader{b: b}
			n, _ := r.header()
			if dst, _ = r.outcomes(dst, n, &lim); r.err != nil || len(dst) != 1 {
				t.Fatal(r.err, len(dst))
			}
		})
	}
}

// TestHostileLengthsAllocateLittle decodes frames that claim more than they hold.
// What is allocated stays in proportion to the bytes that came.
func TestHostileLengthsAllocateLittle(t *testing.T) {
	for _, v := range append(loadVectors(t), hostileVectors()...) {
		payload, err := v.payload()
		if err != nil {
			continue // framing alone refuses it; nextFrame never allocates but for the error
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = decodeEnvelope(payload, v.fromServer)
		runtime.ReadMemStats(&after)
		// The dearest honest bytes are a batch of refused one-byte slots: each costs the
		// requestStore of this test's decoder (576 bytes; a server uses its own again) and a
		// text, some 240 bytes, 320 under the race detector.
		slots := min(len(payload), DefaultLimits().Batch)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(16<<10+960*slots); got > limit {
			t.Errorf("%s: %d bytes allocated for %d received", v.name, got, len(payload))
		}
	}
}

// hostileVectors are too large or too many for files: every list and string of the
// protocol with a length that is a lie, alone and in front of a megabyte.
func hostileVectors() []vector {
	heads := []string{
		"\xdd\xff\xff\xff\xff", "\x92\x06\xdd\xff\xff\xff\xff", "\x94\x03\x01\x00\xdd\xff\xff\xff\xff",
		"\x94\x03\x01\x00\xdc\x01\x00", "\x94\x03\x01\x00\x91\x92\x01\x99\x00\xdd\xff\xff\xff\xff",
		"\x94\x03\x01\x00\x91\x92\x02\x95\x00\x94\x00\x00\x00\x00\xdd\xff\xff\xff\xff",
		"\x94\x03\x01\x00\x91\x92\x03\x98\xdb\xff\xff\xff\xff", "\x94\x03\x01\x00\x91\x92\x04\x96\x00\xdd\x00\x0f\x00\x00",
		"\x95\x00\x01\x01\xdb\xff\xff\xff\xff", "\x93\x01\x00\xdf\xff\xff\xff\xff", "\x93\x01\x00\xc6\xff\xff\xff\xff",
		"\x93\x01\x00\xc9\xff\xff\xff\xff", "\x93\x01\x00\xdd\x00\x0f\xff\x00",
	}
	var vectors []vector
	for _, head := range heads {
		for _, padding := range []int{0, 1 << 10, 1<<20 - 64} {
			b, start := beginFrame(nil)
			b = append(append(b, head...), make([]byte, padding)...)
			vectors = append(vectors, vector{name: "hostile " + head, frame: endFrame(b, start)})
		}
	}
	return vectors
}
