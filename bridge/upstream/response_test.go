package upstream

import (
	"errors"
	"strings"
	"testing"
)

// FuzzResponse takes arbitrary bytes apart at once and in pieces: the same answer,
// the same length and the same verdict come out, nothing grows beyond its limit, and
// a second answer in the same storage owes nothing to the first.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(ok), uint8(1))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"), uint8(7))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\n"+ok), uint8(2))
	f.Add([]byte("HTTP/1.1 204 No Content\r\n\r\nrest"), uint8(3))
	f.Add([]byte("HTTP/1.0 200 OK\r\nContent-Length: 4194305\r\n\r\n"), uint8(5))
	f.Add([]byte("HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n"), uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		var once, parts response
		once.reset()
		wantUsed, wantErr := once.parse(data)

		if _, err := parts.parse([]byte("HTTP/1.1 500 X\r\nContent-Type: old\r\nConnection: close\r\nContent-Length: 3\r\n\r\nold")); err != nil {
			t.Fatal(err)
		}
		parts.reset()
		used, err := 0, errIncomplete
		for end := 0; errors.Is(err, errIncomplete) && end < len(data); {
			end = min(end+int(step)+1, len(data))
			used, err = parts.parse(data[:end:end])
		}
		if len(data) == 0 {
			used, err = parts.parse(data)
		}
		if used != wantUsed || (err == nil) != (wantErr == nil) || errors.Is(err, errIncomplete) != errors.Is(wantErr, errIncomplete) {
			t.Fatalf("in steps of %d: %d, %v; at once: %d, %v", int(step)+1, used, err, wantUsed, wantErr)
		}
		if err != nil {
			return
		}
		if string(parts.body) != string(once.body) || parts.status != once.status || parts.contentType != once.contentType || parts.close != once.close {
			t.Errorf("in steps: %+v\nat once: %+v", parts, once)
		}
		if used > len(data) || len(once.body) > MaxAnswer || once.status < 200 || once.status > 599 {
			t.Errorf("impossible: %d of %d bytes, body of %d, status %d", used, len(data), len(once.body), once.status)
		}
	})
}

// An answer that comes in many pieces is not copied again with each of them.
func TestChunksAreTakenApartOnce(t *testing.T) {
	var r response
	r.reset()
	b := []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 100 {
		b = append(b, "5\r\n01234\r\n"...)
		before := r.at
		if _, err := r.parse(b); !errors.Is(err, errIncomplete) {
			t.Fatal(err)
		}
		if before > 0 && r.at-before != len("5\r\n01234\r\n") {
			t.Fatalf("went from %d to %d for one chunk", before, r.at)
		}
	}
	if n, err := r.parse(append(b, "0\r\n\r\n"...)); err != nil || n != len(b)+5 || string(r.body) != strings.Repeat("01234", 100) {
		t.Errorf("parse() = %d, %v, body of %d bytes", n, err, len(r.body))
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	var r response
	b := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/msgpack\r\nDate: today\r\nContent-Length: 5\r\n\r\nhello")
	got := testing.AllocsPerRun(100, func() {
		r.reset()
		if _, err := r.parse(b); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations an answer, want 0", got)
	}
}

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]Target{
		"http://127.0.0.1:9005": {network: "tcp", address: "127.0.0.1:9005", host: "127.0.0.1:9005"},
		"http://[::1]:9005/":    {network: "tcp", address: "[::1]:9005", host: "[::1]:9005"},
		"http://mld":            {network: "tcp", address: "mld:80", host: "mld"},
		"https://mld":           {network: "tcp", address: "mld:443", host: "mld", tls: true},
		"unix:/run/mld.sock":    {network: "unix", address: "/run/mld.sock", host: "localhost"},
		"unix:///run/mld.sock":  {network: "unix", address: "/run/mld.sock", host: "localhost"},
	} {
		want.URL = in
		if got, err := ParseTarget(in); got != want || err != nil {
			t.Errorf("ParseTarget(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "mld:9005", "unix:mld.sock", "ftp://mld", "http://", "http://mld/path", "http://u@mld", "http://mld?q", "http://mld#f", "http://a b"} {
		if got, err := ParseTarget(in); err == nil {
			t.Errorf("ParseTarget(%q) = %+v, want an error", in, got)
		}
	}
}

// BenchmarkResponse takes apart what mld answers.
func BenchmarkResponse(b *testing.B) {
	answer := []byte("HTTP/1.1 200 OK\r\nServer: mld\r\nDate: Mon, 23 Nov 2026 07:00:00 GMT\r\n" +
		"Content-Type: application/msgpack\r\nContent-Length: 64\r\n\r\n" + strings.Repeat("x", 64))
	var r response
	b.ReportAllocs()
	for b.Loop() {
		r.reset()
		if _, err := r.parse(answer); err != nil {
			b.Fatal(err)
		}
	}
}
