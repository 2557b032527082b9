package ipc

import (
	"math"
	"strings"
	"testing"
)

// TestRefusalTexts: what a peer is told names what it may send, for people who read
// nothing else.
func TestRefusalTexts(t *testing.T) {
	lim := DefaultLimits()
	bad := func(b []byte, old, replacement string) []byte {
		t.Helper()
		if strings.Count(string(b), old) != 1 {
			t.Fatalf("% x holds % x not once", b, old)
		}
		return []byte(strings.Replace(string(b), old, replacement, 1))
	}
	question := func(health float32) []byte {
		q := &FailureRequest{Component: "x", HealthScore: health}
		return AppendRequest([]byte{0x92, byte(Failure)}, q)
	}
	slots := []struct {
		name string
		slot []byte
		want string
	}{
		{"a boolean for a number", bad(question(0.5), "\xca\x3f\x00\x00\x00", "\xc3"), "health_score: want a number, got byte 0xc3"},
		{"a string for a number", bad(question(0.5), "\xca\x3f\x00\x00\x00", "\xa10"), "health_score: want a number, got byte 0xa1"},
		{"a kind nobody knows", []byte{0x92, 9, 0x90}, "unknown kind 9, want 1..4"},
		{"kind -1", []byte{0x92, 0xff, 0x90}, "kind: want 1..4"},
		{"kind 256", []byte{0x92, 0xcd, 1, 0, 0x90}, "kind: want 1..4"},
	}
	for _, tc := range slots {
		r := reader{b: tc.slot}
		_, err := r.slot(new(requestStore))
		e, ok := err.(*StatusError)
		if !ok || r.err != nil || e.Text != tc.want {
			t.Errorf("%s: %v (reader: %v), want %q", tc.name, err, r.err, tc.want)
		}
	}
	for _, kind := range []byte{0, 5, 9} {
		r := reader{b: []byte{0x92, 6, 0x91, 0x95, 1, kind, 7, 0, 0x94, 1, 5, 0xc0, 0}}
		n, _ := r.header()
		got, err := r.outcomes(nil, n, &lim)
		if e, ok := err.(*StatusError); !ok || r.err != nil || len(got) != 0 || e.Text != "kind: want 1..4" {
			t.Errorf("outcome of kind %d: %v (reader: %v), %d taken", kind, err, r.err, len(got))
		}
	}
}

// TestRefusalsSayWhichElement: of up to 128 numbers one is wrong.
func TestRefusalsSayWhichElement(t *testing.T) {
	anomaly := func(b ...byte) string { return "\x95\x07\x94\x00\x00\x00\x00\x92\x93\x01\x00\x00" + string(b) }
	for want, c := range map[string]struct {
		q     Request
		bytes string
	}{
		"historical_cpu[2]: want a number, got byte 0xc0":        {new(WorkloadRequest), "\x99\x07\x94\x00\xca\x00\x00\x00\x00\xc0\x00"},
		"historical_cpu[1]: not a finite 32-bit number":          {new(WorkloadRequest), "\x99\x07\x92\xca\x00\x00\x00\x00\xca\x7f\xc0\x00\x00"},
		"historical_memory[1]: want an integer, got byte 0xa1":   {new(WorkloadRequest), "\x99\x07\x90\x93\x05\xa1x\x05"},
		"historical_memory[0]: want 0..18446744073709551615":     {new(WorkloadRequest), "\x99\x07\x90\x91\xff"},
		"historical_cpu: 11 elements, at most 10":                {new(WorkloadRequest), "\x99\x07\x9b" + strings.Repeat("\x00", 11)},
		"historical_cpu: want an array, got byte 0xc0":           {new(WorkloadRequest), "\x99\x07\xc0"},
		"need 4 bytes, have 1":                                   {new(WorkloadRequest), "\x99\x07\x92\xca\x00\x00\x00\x00\xca\x00"},
		"access_types[2]: want 0..2":                             {new(MemoryRequest), "\x96\x07\x90\x93\x00\x02\x03"},
		"access_types[0]: want an integer, got byte 0xca":        {new(MemoryRequest), "\x96\x07\x90\x91\xca\x00\x00\x00\x00"},
		"anomalies[1].anomaly_type: want 0..4294967295":          {new(ThreatRequest), anomaly(0x93, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)},
		"anomalies[1].severity: want a number, got byte 0xc0":    {new(ThreatRequest), anomaly(0x93, 0x01, 0xc0, 0)},
		"anomalies[1].timestamp: want an integer, got byte 0xa0": {new(ThreatRequest), anomaly(0x93, 0x01, 0, 0xa0)},
		"anomalies[1]: 2 elements, at least 3":                   {new(ThreatRequest), anomaly(0x92, 0x01, 0, 0)},
		"anomalies[1]: want an array, got byte 0x07":             {new(ThreatRequest), anomaly(7, 0, 0)},
		"byte 0xc1 starts no msgpack value":                      {new(ThreatRequest), anomaly(0x94, 1, 0, 0, 0xc1)},
	} {
		if !strings.HasPrefix(want, "need") {
			c.bytes += strings.Repeat("\x00", 9) // the other elements
		}
		_, err := ParseRequest([]byte(c.bytes), c.q)
		if e, ok := err.(*ProtocolError); !ok || e.Text != want {
			t.Errorf("% x: %v, want %q", c.bytes, err, want)
		}
	}
}

// TestRangesBeginWhereTheyDo: where 0 is as wrong as -1, nobody is told to send 0.
func TestRangesBeginWhereTheyDo(t *testing.T) {
	slot := func(r *reader) { r.replySlot(new(Reply), new(interner)) }
	server := func(r *reader) { _ = new(hello).parse(r, serverHelloFields, true) }
	lim := DefaultLimits()
	for _, c := range []struct {
		name  string
		parse func(*reader)
		bytes string
		want  string
	}{
		{"predict -1", func(r *reader) { r.predictHead(4, &lim) }, "\xff\x00\x91", "id: want 1..18446744073709551615"},
		{"predict 0", func(r *reader) { r.predictHead(4, &lim) }, "\x00\x00\x91", "id: want 1..18446744073709551615"},
		{"reply of kind 0", slot, "\x98\x00\x00\x01\x01\x00\x00\xa0\x90", "kind: want 1..4"},
		{"frame 0", server, "\x01\x01\xa0\x00\x00\x01\x01\x01", "max_frame: want 1..2147483647"},
		{"batch 0", server, "\x01\x01\xa0\x00\x01\x00\x01\x01", "max_batch: want 1..2147483647"},
		{"in flight 0", server, "\x01\x01\xa0\x00\x01\x01\x00\x01", "max_in_flight: want 1..2147483647"},
		{"budget 0", server, "\x01\x01\xa0\x00\x01\x01\x01\x00", "default_budget: want 1..9223372036854775807"},
	} {
		r := reader{b: []byte(c.bytes)}
		c.parse(&r)
		if e, ok := r.err.(*ProtocolError); !ok || e.Kind != FaultRange || e.Text != c.want {
			t.Errorf("%s: %v, want %q", c.name, r.err, c.want)
		}
	}
}

// TestValidateRefusesWhatTheWireDoes: a list of readings is finite and has an end, also one
// that a program of ours made.
func TestValidateRefusesWhatTheWireDoes(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, c := range []struct {
		q    Request
		want string
	}{
		{&WorkloadRequest{CPUPast: []float32{-math.MaxFloat32, math.MaxFloat32}}, ""},
		{&WorkloadRequest{CPUPast: make([]float32, MaxWorkloadPast), GPUPast: make([]float32, MaxWorkloadPast)}, ""},
		{&WorkloadRequest{CPUPast: make([]float32, MaxWorkloadPast+1)}, "cpu_past: 33 elements, at most 32"},
		{&WorkloadRequest{MemoryPast: make([]float32, MaxWorkloadPast+1)}, "memory_past: 33 elements, at most 32"},
		{&WorkloadRequest{GPUPast: make([]float32, MaxWorkloadPast+1)}, "gpu_past: 33 elements, at most 32"},
		{&WorkloadRequest{CPUPast: []float32{nan}}, "cpu_past[0]: not finite"},
		{&WorkloadRequest{MemoryPast: []float32{0, inf}}, "memory_past[1]: not finite"},
		{&WorkloadRequest{GPUPast: []float32{0, 0, nan}}, "gpu_past[2]: not finite"},
		{&ThreatRequest{SyscallFeatures: make([]float32, MaxSyscallFeatures+1)}, "syscall_features: 129 elements, at most 128"},
		{&ThreatRequest{SyscallFeatures: []float32{1, inf}}, "syscall_features[1]: not finite"},
	} {
		got := ""
		if e, ok := c.q.Validate().(*StatusError); ok {
			got = e.Text
		}
		if got != c.want {
			t.Errorf("Validate of %+v: %q, want %q", c.q, got, c.want)
		}
		back := NewRequest(c.q.Kind())
		if _, err := ParseRequest(AppendRequest(nil, c.q), back); (err == nil) != (c.want == "") {
			t.Errorf("the wire takes %+v: %v", c.q, err)
		}
	}
}

// TestSharesEndAtOne tries the values next to the ends, and those whose bits lie.
func TestSharesEndAtOne(t *testing.T) {
	minusZero := float32(math.Copysign(0, -1))
	legal := []float32{0, minusZero, math.SmallestNonzeroFloat32, math.Nextafter32(1, 0), 1}
	bad := []float32{
		math.Nextafter32(1, 2), 2, math.MaxFloat32, float32(math.Inf(1)),
		-math.SmallestNonzeroFloat32, -1, float32(math.Inf(-1)), float32(math.NaN()),
	}
	for i, v := range append(legal, bad...) {
		legal := i < len(legal)
		for _, vs := range [][]float32{{v}, {0.5, v, 0.25}} {
			if err := checkUnits("field", vs, 3); (err == nil) != legal {
				t.Errorf("checkUnits(%v) = %v, want legal: %v", vs, err, legal)
			}
		}
		if err := checkUnit("field", v); (err == nil) != legal {
			t.Errorf("checkUnit(%v) = %v, want legal: %v", v, err, legal)
		}
	}
}
