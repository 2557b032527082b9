package ipc

import (
	"strings"
	"testing"
)

// What the standard's own examples and its rules say: W3C Trace Context, sections 2.2
// and 3.2; everything invalid is no trace.
func TestTraceparent(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	trace := ParseTraceparent(good)
	if got := trace.Traceparent(); got != good || !trace.Sampled() || trace.ID[0] != 0x0a || trace.Span[7] != 0x31 {
		t.Errorf("%q came back as %q, %+v", good, got, trace)
	}
	for header, want := range map[string]string{
		strings.Replace(good, "-01", "-00", 1):      strings.Replace(good, "-01", "-00", 1),
		strings.Replace(good, "00-", "cc-", 1):      good, // a later version is read as far as it is known
		"cc" + good[2:] + "-what-comes-next":        good,
		"":                                          "",
		good[:54]:                                   "",
		good + "-more":                              "", // version 00 has nothing behind its flags
		"cc" + good[2:] + "x":                       "",
		strings.Replace(good, "00-", "ff-", 1):      "",
		strings.ToUpper(good):                       "",
		strings.Replace(good, "0af", "0xf", 1):      "",
		strings.Replace(good, "-b7", "_b7", 1):      "",
		"00-" + strings.Repeat("0", 32) + good[35:]: "",
		good[:36] + strings.Repeat("0", 16) + "-01": "",
	} {
		trace := ParseTraceparent(header)
		if got := trace.Traceparent(); got != want || trace.Valid() != (want != "") {
			t.Errorf("ParseTraceparent(%q) = %q, want %q", header, got, want)
		}
	}
}

// A call's trace reaches the backend, and that of the call before does not stay.
func TestTraceReachesTheBackend(t *testing.T) {
	var b []byte
	trace := ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	q := &MemoryRequest{AgentID: 1}
	for _, want := range []Trace{trace, {}} {
		b = appendPredict(b[:0], 1, Options{Trace: want}, []Request{q})
		m, err := ParsePredict(b)
		if err != nil || m.Trace != want {
			t.Errorf("%v, %v; want %v", m, err, want)
		}
	}
}

func TestTracedPredictAllocatesNothing(t *testing.T) {
	opts := Options{Trace: ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}
	reqs := []Request{&MemoryRequest{AgentID: 1}}
	b := appendPredict(nil, 1, opts, reqs)
	wantAllocs(t, "encode a traced predict", 0, func() { b = appendPredict(b[:0], 1, opts, reqs) })
}
