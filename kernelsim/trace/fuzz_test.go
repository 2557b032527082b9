package trace

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzTraces reads text as a trace of each set. What is accepted has one spelling, so
// writing it again gives it back.
func FuzzTraces(f *testing.F) {
	for _, name := range []string{"faults", "syscalls", "usages", "pressures"} {
		text, err := os.ReadFile("testdata/" + name + ".csv")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(faultText("5,1,4096,r,0")))
	f.Add([]byte(preambleText(3)))
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.NoCompression) // nothing else is as fast
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		zipped.Reset()
		z.Reset(&zipped)
		_, _ = z.Write(text) // a buffer takes everything
		_ = z.Close()
		zip := zipped.Bytes()
		wantSpelling(t, text, zip, NewFaults, faultHeader, func(r Fault) string {
			return fmt.Sprintf("%d,%d,%d,%c,%d", r.At, r.Agent, r.Addr, "rwx"[r.Type], digit(r.Major))
		})
		wantSpelling(t, text, zip, NewSyscalls, syscallHeader, func(r Syscall) string {
			return fmt.Sprintf("%d,%d,%d,%d,%d", r.At, r.Agent, r.Nr, r.Bytes, r.RSS)
		})
		wantSpelling(t, text, zip, NewUsages, usageHeader, func(r Usage) string {
			return fmt.Sprintf("%d,%d,%d,%d", r.At, r.Agent, r.CPU, r.RSS)
		})
		wantSpelling(t, text, zip, NewPressures, pressureHeader, func(r Pressure) string {
			return fmt.Sprintf("%d,%s,%d,%d,%d,%d,%d,%d", r.At, r.Component,
				r.Some/time.Microsecond, r.Full/time.Microsecond, r.Value, r.Capacity, r.Events, digit(r.Incident))
		})
	})
}

func digit(set bool) int {
	if set {
		return 1
	}
	return 0
}

// wantSpelling reads text, zip when compressed, and holds the rows of a whole trace, as
// spell writes them, against what is there.
func wantSpelling[T any](t *testing.T, text, zip []byte, read func(io.Reader, string) (*Reader[T], error), header string, spell func(T) string) {
	t.Helper()
	r, err := read(bytes.NewReader(zip), "f")
	if err != nil {
		return
	}
	rows := strings.Builder{}
	for row, err := range r.All() {
		if err != nil {
			return
		}
		rows.WriteString(spell(row) + "\n")
	}
	if !strings.HasSuffix(string(text), header+"\n"+rows.String()) {
		t.Errorf("rows read back as %q", rows.String())
	}
}
