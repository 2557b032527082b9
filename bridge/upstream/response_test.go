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

// What is an answer, what ends the connection behind it, and what is none.
func TestAnswersByTheLetter(t *testing.T) {
	long := strings.Repeat("x", 100)
	for text, want := range map[string]response{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi":                                    {status: 200, body: []byte("hi")},
		"HTTP/1.1 599\r\ncontent-length:2\r\n\r\nhi":                                        {status: 599, body: []byte("hi")},
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi":                                    {status: 200, body: []byte("hi"), close: true},
		"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nhi":               {status: 200, body: []byte("hi"), close: true},
		"HTTP/1.1 200 OK\r\nConnection: te,\tclose \r\nContent-Length: 2\r\n\r\nhi":         {status: 200, body: []byte("hi"), close: true},
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi":          {status: 200, body: []byte("hi")},
		"HTTP/1.1 200 OK\r\nContent-Type: \t a/b \r\nContent-Length: 2\r\n\r\nhi":           {status: 200, body: []byte("hi"), contentType: "a/b"},
		"HTTP/1.1 200 OK\r\nExtra-Field1: 7\r\nContent-Length: 2\r\n\r\nhi":                 {status: 200, body: []byte("hi")}, // as long as Content-Type
		"HTTP/1.1 200 OK\r\nContent-Lengt_: 7\r\nContent-Length: 2\r\n\r\nhi":               {status: 200, body: []byte("hi")},
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n": {status: 200, body: []byte("0123456789")},
		"HTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi":  {status: 200, body: []byte("hi")},
	} {
		var r response
		r.reset()
		n, err := r.parse([]byte(text))
		if err != nil || n != len(text) || r.status != want.status || r.close != want.close || string(r.body) != string(want.body) || r.contentType != want.contentType {
			t.Errorf("%q: %d of %d bytes, %v: %d %q of type %q, close %v", text, n, len(text), err, r.status, r.body, r.contentType, r.close)
		}
	}
	for _, head := range []string{
		"HTTP/2.0 200 OK", "HTTP/1.2 200 OK", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1_200 OK", "HTTP/1.1 099 No", "HTTP/1.1 600 No", "HTTP/1.1 101 No",
		"HTTP/1.1 2x0 OK", "http/1.1 200 OK", "SSH-2.0-OpenSSH_9.6", "x", long,
		"HTTP/1.1 200 OK\r\nno colon", "HTTP/1.1 200 OK\r\n: nameless", "HTTP/1.1 200 OK\r\nContent-Length : 2", "HTTP/1.1 200 OK\r\nContent\tLength: 2",
		"HTTP/1.1 200 OK\r\n" + long,
		"HTTP/1.1 200 OK\r\nContent-Length: -2", "HTTP/1.1 200 OK\r\nContent-Length: 2x", "HTTP/1.1 200 OK\r\nContent-Length:",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3",
		"HTTP/1.1 200 OK\r\nContent-Length: 4194305", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
	} {
		var r response
		r.reset()
		if n, err := r.parse([]byte(head + "\r\n\r\nhi")); err == nil || errors.Is(err, errIncomplete) {
			t.Errorf("%q: %d bytes, %v; want an error", head, n, err)
		}
	}
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
