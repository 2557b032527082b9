package trace

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// readFaults reads text as a fault trace and returns the error that ends it.
func readFaults(t testing.TB, zip []byte) error {
	t.Helper()
	r, err := NewFaults(bytes.NewReader(zip), "f")
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		if _, err := r.Next(); err != nil {
			return err
		}
	}
}

// faultText is a fault trace of the given rows, promising as many.
func faultText(rows ...string) string {
	return preambleText(len(rows)) + faultHeader + "\n" + strings.Join(append(rows, ""), "\n")
}

func preambleText(rows int) string {
	return fmt.Sprintf("# mlbridge-trace: 1\n# set: memory\n# name: n\n# program: p\n# label: l\n# kind: 0\n# rows: %d\n", rows)
}

// firstRow is the line number of faultText's first row.
const firstRow = 9

func TestBadRows(t *testing.T) {
	const good = "5,1,4096,r,0"
	for _, row := range []string{
		"", "x", ",", "5", "5,1,4096,r", "5,1,4096,r,0,", "5,1,4096,r,0,0", // fields
		"-1,1,4096,r,0", "+5,1,4096,r,0", "05,1,4096,r,0", " 5,1,4096,r,0", "5,1,4096,r,0 ", "5,1,4096,r,0\r", // spelling
		"5.0,1,4096,r,0", "5e3,1,4096,r,0", "0x5,1,4096,r,0", "NaN,1,4096,r,0", "٣,1,4096,r,0", // other numbers
		"9223372036854775808,1,4096,r,0",  // past the largest time
		"5,18446744073709551616,4096,r,0", // 2^64
		"5,1,18446744073709551616,r,0",    // 2^64
		"5,1,99999999999999999999999,r,0", // far past 2^64
		"5,1,,r,0", "5,1,4096,,0",         // empty
		"5,1,4096,R,0", "5,1,4096,rw,0", // types
		"5,1,4096,r,2", "5,1,4096,r,true", // flags
		"4,1,4096,r,0",                               // before the row above
		"# late: key", "at_ns,agent,addr,type,major", // preamble and header do not come back
	} {
		err := readFaults(t, zipped(t, []byte(faultText(good, row, good))))
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrFormat) || e.Line != firstRow+1 || e.File != "f" {
			t.Errorf("row %q: error %v, want malformed at f:%d", row, err, firstRow+1)
		}
	}
	if err := readFaults(t, zipped(t, []byte(faultText(good, good)))); err != io.EOF {
		t.Errorf("two good rows: %v, want io.EOF", err)
	}
}

func TestBadRowsOfOtherSets(t *testing.T) {
	for _, row := range []string{
		"0,1,512,0,0", "0,1,335,0,0", "0,1,65536,0,0", // no such call
		"0,1,0,-1,0", "0,1,0,0", "0,1,0,0,0,0",
	} {
		if _, err := parseSyscall([]byte(row)); !errors.Is(err, ErrFormat) {
			t.Errorf("parseSyscall(%q) = %v, want malformed", row, err)
		}
	}
	for _, row := range []string{"0,1,9223372036854775808,0", "0,1,0", "0,1,0,0,0"} {
		if _, err := parseUsage([]byte(row)); !errors.Is(err, ErrFormat) {
			t.Errorf("parseUsage(%q) = %v, want malformed", row, err)
		}
	}
	for _, row := range []string{
		"0,gpu,0,0,0,1,0,0", "0,,0,0,0,1,0,0", // components
		"0,cpu,9223372036854776,0,0,1,0,0",       // microseconds past the largest duration
		"0,cpu,0,0,0,0,0,0", "0,cpu,0,0,2,1,0,0", // capacity
		"0,cpu,0,0,0,1,0", "0,cpu,0,0,0,1,0,0,0", "0,cpu,0,0,0,1,0,2",
	} {
		if _, err := parsePressure([]byte(row)); !errors.Is(err, ErrFormat) {
			t.Errorf("parsePressure(%q) = %v, want malformed", row, err)
		}
	}
}

func TestBadPreamble(t *testing.T) {
	good := faultText("5,1,4096,r,0")
	for _, c := range []struct {
		name, old, new string
		want           error
	}{
		{"no preamble", preambleText(1), "", ErrFormat},
		{"another file", "# mlbridge-trace: 1\n", "# other: 1\n", ErrFormat},
		{"version 2", "trace: 1", "trace: 2", ErrVersion},
		{"version 01", "trace: 1", "trace: 01", ErrVersion},
		{"other set", "set: memory", "set: threat", ErrSet},
		{"kind 6", "kind: 0", "kind: 6", ErrFormat},
		{"kind -1", "kind: 0", "kind: -1", ErrFormat},
		{"no label", "# label: l\n", "", ErrFormat},
		{"no rows", "# rows: 1\n", "", ErrFormat},
		{"zero rows", "rows: 1", "rows: 0", ErrFormat},
		{"too many rows", "rows: 1", "rows: 1048577", ErrFormat},
		{"rows overflow", "rows: 1", "rows: 18446744073709551617", ErrFormat},
		{"key twice", "# label: l\n", "# label: l\n# label: m\n", ErrFormat},
		{"no value", "# label: l", "# label", ErrFormat},
		{"empty value", "# label: l", "# label: ", ErrFormat},
		{"foreign header", faultHeader, usageHeader, ErrFormat},
		{"no header", faultHeader + "\n", "", ErrFormat},
		{"long line", "# label: l", "# label: " + strings.Repeat("l", maxLine), ErrLimit},
		{"fewer rows", "rows: 1", "rows: 2", ErrTruncated},
		{"more rows", "5,1,4096,r,0\n", "5,1,4096,r,0\n5,1,4096,r,0\n", ErrFormat},
		{"no line end", "r,0\n", "r,0", ErrTruncated},
		{"line after the end without a line end", "r,0\n", "r,0\nx", ErrTruncated},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s: %q is not in the text", c.name, c.old)
		}
		err := readFaults(t, zipped(t, []byte(strings.Replace(good, c.old, c.new, 1))))
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
	var keys strings.Builder
	for i := range maxKeys {
		fmt.Fprintf(&keys, "# key%d: v\n", i)
	}
	err := readFaults(t, zipped(t, []byte(strings.Replace(good, "# set", keys.String()+"# set", 1))))
	if !errors.Is(err, ErrLimit) {
		t.Errorf("%d keys too many: %v, want %v", 7, err, ErrLimit)
	}
}

// Every prefix of a compressed trace ends in an error: a half copy never
// passes for a short trace.
func TestTruncatedGzip(t *testing.T) {
	whole := golden(t, "faults.csv")
	for n := range whole {
		var e *Error
		if err := readFaults(t, whole[:n]); !errors.As(err, &e) || !errors.Is(err, ErrTruncated) {
			t.Errorf("first %d of %d bytes: %v, want %v", n, len(whole), err, ErrTruncated)
		}
	}
}

// One wrong byte anywhere in the compressed body is found, by gzip's checksum
// if by nothing else; only the unused bits that pad the last block may change,
// and then the whole content has been read and checked.
func TestDamagedGzip(t *testing.T) {
	whole := golden(t, "faults.csv")
	const gzipHeader = 10 // bytes 4-9 (time, flags, system) carry nothing of the content
	unharmed := 0
	for i := gzipHeader; i < len(whole); i++ {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x40
		var e *Error
		err := readFaults(t, bad)
		if err == io.EOF {
			unharmed++
		} else if !errors.As(err, &e) {
			t.Errorf("byte %d changed: %v, want an *Error", i, err)
		}
	}
	if unharmed > 1 {
		t.Errorf("%d changed bytes went unnoticed, want 1 at most", unharmed)
	}
}

func TestGarbage(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.csv")
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{
		"empty": {}, "plain text": text, "zeros": make([]byte, 1024),
		"gzip of nothing": zipped(t, nil), "gzip of zeros": zipped(t, make([]byte, 1<<16)),
		"trailing garbage": append(golden(t, "faults.csv"), "garbage"...),
		"twice":            append(golden(t, "faults.csv"), golden(t, "faults.csv")...),
	} {
		var e *Error
		if err := readFaults(t, in); !errors.As(err, &e) {
			t.Errorf("%s: error %v, want an *Error", name, err)
		}
	}
	if err := readFaults(t, []byte("plain")); err == nil || !strings.HasPrefix(err.Error(), "trace: f:0: ") {
		t.Errorf("plain text: %v", err)
	}
}

// An input error passes through, and sticks.
func TestInputError(t *testing.T) {
	broken := errors.New("disk on fire")
	whole := golden(t, "faults.csv")
	in := io.MultiReader(bytes.NewReader(whole[:len(whole)-12]), iotest.ErrReader(broken))
	r, err := NewFaults(in, "f")
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	if r != nil {
		if _, again := r.Next(); again != err {
			t.Errorf("Next again = %v, want the same error", again)
		}
	}
}

func TestNextAfterClose(t *testing.T) {
	r, err := NewFaults(bytes.NewReader(golden(t, "faults.csv")), "f")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Next after Close = %v, want %v", err, os.ErrClosed)
	}
}

// A small file that expands to 64 MiB of one row is stopped at the row after
// the promised ones, without reading the rest.
func TestExpandingFile(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, faultText("5,1,4096,r,0"))
	chunk := bytes.Repeat([]byte("5,1,4096,r,0\n"), 1<<12)
	for range 64 << 20 / len(chunk) {
		z.Write(chunk)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(b.Bytes())
	r, err := NewFaults(in, "f")
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, ErrFormat) {
		t.Errorf("error %v, want %v", err, ErrFormat)
	}
	if in.Len() < b.Len()/2 {
		t.Errorf("%d of %d bytes left unread, want most", in.Len(), b.Len())
	}
}

// TestCPUShareIsNeverNegative: a counter that ran back says nothing.
func TestCPUShareIsNeverNegative(t *testing.T) {
	for _, c := range []struct {
		to   Usage
		want float64
	}{{Usage{At: 20, CPU: 4}, 0}, {Usage{At: 20, CPU: 5}, 0}, {Usage{At: 10, CPU: 9}, 0}, {Usage{At: 20, CPU: 20}, 1.5}} {
		if got := CPUShare(Usage{At: 10, CPU: 5}, c.to); got != c.want {
			t.Errorf("share at %+v is %v, want %v", c.to, got, c.want)
		}
	}
}
