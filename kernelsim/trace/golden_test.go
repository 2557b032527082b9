package trace

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// zipped compresses text as a trace file is.
func zipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// golden returns a committed text trace, compressed. The golden files are kept
// as text so that a change to the format shows in a diff.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return zipped(t, text)
}

// collect reads everything; it fails the test on an error.
func collect[T any](t *testing.T, r *Reader[T], err error) []T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []T
	for record, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, record)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("Next after the last row = %v, want io.EOF", err)
	}
	return all
}

func TestGoldenFaults(t *testing.T) {
	r, err := NewFaults(bytes.NewReader(golden(t, "faults.csv")), "faults.csv")
	got := collect(t, r, err)
	want := []Fault{
		{Agent: 1, Type: Read},
		{Agent: 1, Addr: 1<<53 + 1, Type: Write, Major: true},
		{At: 17, Agent: 2, Addr: math.MaxUint64, Type: Execute},
		{At: math.MaxInt64, Agent: math.MaxUint64, Addr: 140006210772992, Type: Write},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGoldenSyscalls(t *testing.T) {
	r, err := NewSyscalls(bytes.NewReader(golden(t, "syscalls.csv")), "syscalls.csv")
	got := collect(t, r, err)
	want := []Syscall{
		{Agent: 1, Nr: 59},
		{At: 1200, Agent: 1, Nr: 44, Bytes: math.MaxUint64, RSS: 8192000},
		{At: 1300, Agent: 2, Nr: 257, RSS: 4096},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	m := r.Meta()
	if m.Kind != 5 || m.Label != "web shell (simulated)" || m.Program != "a program: with a colon" ||
		m.Rows != 3 || m.Name != "golden" || m.Set != SetThreat || m.Version != 1 ||
		m.Keys["recorded-on"] != "2026-11-23T03:00Z" {
		t.Errorf("Meta() = %+v", m)
	}
}

func TestGoldenUsages(t *testing.T) {
	r, err := NewUsages(bytes.NewReader(golden(t, "usages.csv")), "usages.csv")
	got := collect(t, r, err)
	want := []Usage{
		{Agent: 1, RSS: 4096},
		{At: 250 * time.Millisecond, Agent: 1, CPU: 125 * time.Millisecond, RSS: math.MaxUint64},
		{At: 500 * time.Millisecond, Agent: 1, CPU: 625 * time.Millisecond},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if share := CPUShare(want[0], want[1]); share != 0.5 {
		t.Errorf("CPUShare of 125 ms in 250 ms = %v, want 0.5", share)
	}
	if share := CPUShare(want[1], want[2]); share != 2 {
		t.Errorf("CPUShare of 500 ms in 250 ms = %v, want 2", share)
	}
	if share := CPUShare(want[1], want[1]); share != 0 {
		t.Errorf("CPUShare over no time = %v, want 0", share)
	}
}

func TestGoldenPressures(t *testing.T) {
	r, err := NewPressures(bytes.NewReader(golden(t, "pressures.csv")), "pressures.csv")
	got := collect(t, r, err)
	want := []Pressure{
		{Component: "memory", Value: 268435455, Capacity: 268435456},
		{Component: "cpu", Some: 9223372036854775 * time.Microsecond, Capacity: 400000000},
		{Component: "io", Some: time.Microsecond, Full: time.Microsecond, Value: 5, Capacity: 10},
		{Component: "network", Value: math.MaxUint64, Capacity: math.MaxUint64, Events: math.MaxUint64, Incident: true},
		{At: 200 * time.Millisecond, Component: "service", Value: 1e8, Capacity: 1e8, Events: 3, Incident: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for i, health := range []float64{1 - 268435455.0/268435456, 1, 0.5, 0, 0} {
		if h := want[i].Health(); h != health {
			t.Errorf("%+v.Health() = %v, want %v", want[i], h, health)
		}
	}
}
