package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// golden is a file put together by hand from the package's documentation.
func golden(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(code), ""))
	}
	file, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestGolden(t *testing.T) {
	file := golden(t)
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Header{time.Unix(1, 2), true, "bridge"}); !r.Header.Began.Equal(want.Began) || r.Header.Redacted != want.Redacted || r.Header.Name != want.Name {
		t.Errorf("header = %+v, want %+v", r.Header, want)
	}
	want := []Record{
		{ToBridge, 256, 1, []byte{0x92, 0x01, 0x05}},
		{FromBridge, 1 << 40, 1 << 63, []byte{0x92, 0x02, 0x05}},
	}
	var got []Record
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rec.Payload = bytes.Clone(rec.Payload)
		got = append(got, rec)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("records differ (-want +got):\n%s", d)
	}
	if !r.Ended || r.Frames != 2 || r.Lost != 3 || r.Why != Limited {
		t.Errorf("the end is %v, %d frames, %d lost, why %d; want true, 2, 3, 1", r.Ended, r.Frames, r.Lost, r.Why)
	}

	// What writes is the same in reverse, but for the record of an unknown type.
	b := appendHeader(nil, &Header{Began: time.Unix(1, 2), Redacted: true, Name: "bridge"})
	for i := range want {
		b = appendRecord(b, &want[i])
	}
	if !bytes.HasPrefix(file, b) {
		t.Errorf("written:\n%x\nis no beginning of the golden file:\n%x", b, file)
	}
}

// Every beginning of a file gives what is whole in it, and no panic.
func TestPrefixes(t *testing.T) {
	file := golden(t)
	for n := range file {
		r, err := NewReader(bytes.NewReader(file[:n]))
		if err != nil {
			if !errors.Is(err, ErrFormat) || n >= headerBytes+len("bridge") {
				t.Errorf("%d bytes: NewReader = %v", n, err)
			}
			continue
		}
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, ErrCut) || r.Ended {
			t.Errorf("%d bytes: %v, ended %v", n, err, r.Ended)
		}
	}
}

func TestRefuses(t *testing.T) {
	for what, change := range map[string]func(b []byte){
		"another magic":          func(b []byte) { b[0] = 'm' },
		"another version":        func(b []byte) { b[7] = 2 },
		"a long name":            func(b []byte) { b[22] = 1 },
		"a huge record":          func(b []byte) { b[30] = 0x7f },
		"a time beyond 2^63":     func(b []byte) { b[38] = 0x80 },
		"a gap without a number": func(b []byte) { b[34], b[33] = byte(Gap), 0 },
	} {
		file := golden(t)
		change(file)
		r, err := NewReader(bytes.NewReader(file))
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", what, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	file := golden(f)
	f.Add(file)
	b := appendHeader(nil, &Header{Began: time.Unix(1, 2)})
	q := ipctest.Request(ipc.Memory, 1)
	for _, rec := range []Record{{ToBridge, 1, 1, message(1, q)}, {FromBridge, 2, 1, reply(1, q)}} {
		b = appendRecord(b, &rec)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := Load(bytes.NewReader(data))
		if err != nil {
			if rec != nil {
				t.Fatal("a recording besides an error")
			}
			return
		}
		for i := range rec.Calls {
			c := &rec.Calls[i]
			if _, err := ipc.ParsePredict(c.Question); err != nil || c.Took < 0 || c.At < 0 {
				t.Fatalf("call %+v: %v", c, err)
			}
		}
	})
}
