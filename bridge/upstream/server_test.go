package upstream

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/valyala/fasthttp"
)

// served counts the connections that a real server got.
type served struct{ conns atomic.Int64 }

// counting wraps a listener.
type counting struct {
	net.Listener
	n *atomic.Int64
}

func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

// respond is what both real servers do: the body says what is wanted.
func respond(body []byte, header func(k, v string), write func(status int, b []byte)) {
	switch what, arg, _ := strings.Cut(string(body), " "); what {
	case "close":
		header("Connection", "close")
		write(200, []byte("closing"))
	case "status":
		n, _ := strconv.Atoi(arg)
		header("Location", "/elsewhere")
		write(n, nil)
	case "big":
		n, _ := strconv.Atoi(arg)
		write(200, bytes.Repeat([]byte("x"), n))
	case "head":
		n, _ := strconv.Atoi(arg)
		header("X-Long", strings.Repeat("y", n))
		write(200, nil)
	default:
		write(200, body)
	}
}

func serveLibrary(t *testing.T, ln net.Listener) *served {
	s := &served{}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/path" || r.Header.Get("Content-Type") != "application/x-test" {
			t.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
		}
		w.Header().Set("Content-Type", "text/test")
		respond(body, w.Header().Set, func(status int, b []byte) {
			w.WriteHeader(status)
			_, _ = w.Write(b) // longer bodies are chunked by net/http itself
		})
	})}
	go func() { _ = server.Serve(counting{ln, &s.conns}) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

func serveFast(t *testing.T, ln net.Listener) *served {
	s := &served{}
	server := &fasthttp.Server{MaxRequestBodySize: 64 << 20, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.SetContentType("text/test")
		respond(ctx.PostBody(), ctx.Response.Header.Set, func(status int, b []byte) {
			ctx.SetStatusCode(status)
			ctx.SetBody(b)
		})
	}}
	go func() { _ = server.Serve(counting{ln, &s.conns}) }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return s
}

// Both transports against both servers over both networks.
func TestRealServers(t *testing.T) {
	for name, serve := range map[string]func(*testing.T, net.Listener) *served{"net/http": serveLibrary, "fasthttp": serveFast} {
		t.Run(name, func(t *testing.T) {
			networks(t, func(t *testing.T, ln net.Listener, target string) {
				s := serve(t, ln)
				transports(t, func(t *testing.T, library bool) { conversation(t, s, newRig(t, target, library)) })
			})
		})
	}
}

func conversation(t *testing.T, s *served, r *rig) {
	before := s.conns.Load()
	want := func(got result, status int, answer string) {
		t.Helper()
		if got.err != nil || got.status != status || got.answer != answer || got.kind != "text/test" {
			t.Errorf("got status %d, %d bytes of %q, %v; want %d and %d bytes", got.status, len(got.answer), got.kind, got.err, status, len(answer))
		}
	}
	for range 20 {
		want(r.do("hello"), 200, "hello")
	}
	for _, n := range []int{0, 1, 2048, 5000, 100_000, MaxAnswer} {
		want(r.do("big "+strconv.Itoa(n)), 200, strings.Repeat("x", n))
	}
	huge := strings.Repeat("z", 3<<20) // needs many writes
	want(r.do(huge), 200, huge)
	for _, status := range []int{302, 307, 404, 415, 500, 503} { // redirects are not followed
		want(r.do("status "+strconv.Itoa(status)), status, "")
	}
	want(r.do("head 15000"), 200, "")
	if got := s.conns.Load() - before; got != 1 {
		t.Errorf("%d connections for all exchanges, want 1", got)
	}
	want(r.do("close"), 200, "closing")
	want(r.do("again"), 200, "again")
	if got := s.conns.Load() - before; got != 2 {
		t.Errorf("%d connections after Connection: close, want 2", got)
	}
	if got := r.do("status 204"); got.status != 204 || got.answer != "" || got.err != nil {
		t.Errorf("204: %+v", got)
	}
	r.do("big "+strconv.Itoa(MaxAnswer+1)).wantError(t, "answer", true)
	want(r.do("after"), 200, "after") // on a new connection
}
