package httploop

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// request is a call as ml-bridge writes it.
func request(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\n\r\n%s",
		path, len(body), body)
}

// head gives a request with these header lines and a body of five bytes.
func head(lines ...string) string {
	return "POST /p HTTP/1.1\r\n" + strings.Join(append(lines, "", ""), "\r\n") + "hello"
}

const (
	host   = "Host: x"
	typed  = "Content-Type: a/b"
	length = "Content-Length: 5"
)

func TestParse(t *testing.T) {
	for _, in := range []string{
		head(host, typed, length),
		head(length, typed, host),
		head("hOST:x", "CONTENT-TYPE:   a/b  ", "content-length: 5"),
		head(host, typed, length, "Connection: Keep-Alive", "User-Agent: curl/8", "Accept: */*", "Accept-Encoding: gzip, br", "Accept: a/b"),
	} {
		var c Call
		size, ok := c.parse([]byte(in + "more"))
		if !ok || size != len(in) || string(c.Path) != "/p" || string(c.Host) != "x" ||
			string(c.ContentType) != "a/b" || string(c.Body) != "hello" {
			t.Errorf("parse(%q) = %d, %v, %+v", in, size, ok, c)
		}
	}
	for _, name := range []string{"localhost", "LocalHost:1", "127.0.0.1:65535", "[::1]", "[::1]:9005", "a-b.example"} {
		if _, ok := new(Call).parse([]byte(head("Host: "+name, typed, length))); !ok {
			t.Errorf("Host %q is not known", name)
		}
	}
}

// TestParseLeaves lists what is left to the library, each for one thing in it.
func TestParseLeaves(t *testing.T) {
	good := head(host, typed, length)
	for _, in := range []string{
		"",
		strings.Replace(good, "POST", "post", 1),
		strings.Replace(good, "POST", "GET", 1),
		strings.Replace(good, "POST ", "POST\t", 1),
		strings.Replace(good, "HTTP/1.1", "HTTP/1.0", 1),
		strings.Replace(good, "HTTP/1.1", "HTTP/1.1 ", 1),
		"\r\n" + good,
		strings.ReplaceAll(good, "\r\n", "\n"),
		strings.Replace(good, host+"\r\n", host+"\n", 1),
		head(typed, length),
		head(host, length),
		head(host, typed),
		head(host, typed, "Content-Length: 0"),
		head(host, typed, "Content-Length: 05"),
		head(host, typed, "Content-Length: +5"),
		head(host, typed, "Content-Length: 5 5"),
		head(host, typed, "Content-Length: 0x5"),
		head(host, typed, "Content-Length:"),
		head(host, typed, "Content-Length: 524289"),
		head(host, typed, "Content-Length: 9999999999999999999999999"),
		head(host, typed, length, length),
		head(host, host, typed, length),
		head(host, typed, typed, length),
		head(host, "Content-Type:", length),
		head("Host:", typed, length),
		head("Host: a b", typed, length),
		head("Host: a:b", typed, length),
		head("Host: a:1:2", typed, length),
		head("Host: a:", typed, length),
		head("Host: a:123456", typed, length),
		head("Host: :80", typed, length),
		head("Host: [::2]", typed, length),
		head("Host: [::1]x", typed, length),
		head("Host: a/b", typed, length),
		head("Host: a@b", typed, length),
		head("Host : x", typed, length),
		head(host, "Content-Type : a/b", length),
		head(host, typed, " folded", length),
		head(host, typed, length, "Transfer-Encoding: chunked"),
		head(host, typed, length, "Transfer-Encoding: identity"),
		head(host, typed, length, "Content-Encoding: gzip"),
		head(host, typed, length, "Connection: close"),
		head(host, typed, length, "Connection: keep-alive, close"),
		head(host, typed, length, "Connection: upgrade"),
		head(host, typed, length, "Expect: 100-continue"),
		head(host, typed, length, "Upgrade: h2c"),
		head(host, typed, length, "X-Unknown: 1"),
		head(host, typed, length, "no colon"),
		head(host, typed, length, ": no name"),
		head(host, typed, length, "Accept: \x00"),
		head(host, typed, length, "Accept: a\rb"),
		head(host, typed, length, "Accept: \x7f"),
		head(host, typed, length, "Accept: \xc3\xa4"),
		head(host, typed, length, "User-Agent: "+strings.Repeat("x", maxHead)),
		strings.Replace(good, "/p", "/"+strings.Repeat("p", maxHead), 1),
	} {
		var c Call
		if size, ok := c.parse([]byte(in)); ok {
			t.Errorf("parse(%.80q) = %d, %+v; want it left", in, size, c)
		}
	}
}

// TestParsePrefixes: a head that is not there to its last byte is left; from there on
// the size is known, and the body when it is there.
func TestParsePrefixes(t *testing.T) {
	all := request("/p", "hello")
	start := len(all) - len("hello")
	for n := range all {
		var c Call
		size, ok := c.parse(all[:n])
		switch {
		case n < start && ok:
			t.Errorf("%d bytes: known", n)
		case n >= start && (!ok || size != len(all) || c.Body != nil):
			t.Errorf("%d bytes: %d, %v, body %q", n, size, ok, c.Body)
		}
	}
}

// FuzzParse: what is known here is the same to fasthttp, byte for byte.
func FuzzParse(f *testing.F) {
	for _, in := range []string{
		head(host, typed, length), head("hOST:x", typed, length, "Connection: Keep-Alive", "Accept: */*"),
		head(host, typed, length, "Content-Encoding: gzip"), head("Host: [::1]:80", typed, length), string(request("/p", "x")), string(request("/p", "hello")) + head(host, typed, length),
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var c Call
		size, ok := c.parse(in)
		if !ok || size > len(in) || string(c.Path) != "/p" { // only paths that there are get an answer
			return
		}
		var req fasthttp.Request
		r := bufio.NewReaderSize(bytes.NewReader(in), 1<<20)
		if err := req.Read(r); err != nil {
			t.Fatalf("known here, but to fasthttp %v: %q", err, in)
		}
		left := r.Buffered()
		h := &req.Header
		if !h.IsPost() || !h.IsHTTP11() || h.ConnectionClose() || req.MayContinue() || len(h.ContentEncoding()) > 0 ||
			h.ContentLength() != len(c.Body) || len(in)-left != size {
			t.Fatalf("fasthttp takes %d bytes of %q, %d here", len(in)-left, in, size)
		}
		for _, x := range []struct{ here, there []byte }{
			{c.Path, h.RequestURI()}, {c.Host, h.Host()}, {c.ContentType, h.ContentType()}, {c.Body, req.Body()},
		} {
			if !bytes.Equal(x.here, x.there) {
				t.Errorf("%q here, %q to fasthttp, in %q", x.here, x.there, in)
			}
		}
	})
}
