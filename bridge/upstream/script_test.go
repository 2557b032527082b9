package upstream

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nok"

// script plays a daemon: the n-th call of a connection is answered by the n-th
// entry, and after the last the connection is closed.
func script(t *testing.T, ln net.Listener, answers ...func(c net.Conn)) {
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for _, answer := range answers {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					answer(c)
				}
			}()
		}
	}()
}

func say(s string) func(net.Conn) { return func(c net.Conn) { _, _ = io.WriteString(c, s) } }

// dribble says s a byte at a time.
func dribble(s string) func(net.Conn) {
	return func(c net.Conn) {
		for i := range len(s) {
			if _, err := io.WriteString(c, s[i:i+1]); err != nil {
				return
			}
		}
	}
}

func TestAnswersOfOddDaemons(t *testing.T) {
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, tc := range map[string]struct {
		answer func(net.Conn)
		status int
		body   string
		op     string // of the error, when there is no answer
		loop   bool   // the library is more lenient; only the loop's client is looked at
	}{
		"plain":             {answer: say(ok), status: 200, body: "ok"},
		"byte by byte":      {answer: dribble(ok), status: 200, body: "ok"},
		"chunks by byte":    {answer: dribble(chunked + "3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n"), status: 200, body: "abc0123456789"},
		"empty chunked":     {answer: say(chunked + "0\r\n\r\n"), status: 200},
		"100 continue":      {answer: dribble("HTTP/1.1 100 Continue\r\n\r\n" + ok), status: 200, body: "ok"},
		"early hints twice": {answer: say("HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 103 E\r\n\r\n" + ok), status: 200, body: "ok"},
		"no content":        {answer: say("HTTP/1.1 204 No Content\r\n\r\n"), status: 204},
		"not modified":      {answer: say("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"), status: 304},
		"http 1.0":          {answer: say("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), status: 200, body: "ok"},
		"no reason phrase":  {answer: say("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"), status: 200, body: "ok"},

		"cut at once":        {answer: say(""), op: "read"},
		"cut in the head":    {answer: say(ok[:20]), op: "read"},
		"cut in the body":    {answer: say(ok[:len(ok)-1]), op: "read"},
		"cut in a chunk":     {answer: say(chunked + "5\r\nab"), op: "read"},
		"cut behind 100":     {answer: say("HTTP/1.1 100 Continue\r\n\r\n"), op: "read"},
		"garbage":            {answer: say("\x16\x03\x01\x02\x00\r\n\r\n"), op: "answer", loop: true},
		"another protocol":   {answer: say("SSH-2.0-OpenSSH_9.9\r\n\r\n"), op: "answer", loop: true},
		"switching":          {answer: say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), op: "answer", loop: true},
		"no length":          {answer: say("HTTP/1.1 200 OK\r\n\r\nwho knows where this ends"), op: "answer", loop: true},
		"two lengths":        {answer: say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), op: "answer", loop: true},
		"length and chunked": {answer: say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), op: "answer", loop: true},
		"negative length":    {answer: say("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n"), op: "answer", loop: true},
		"gzip":               {answer: say("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), op: "answer", loop: true},
		"chunk size":         {answer: say(chunked + "-1\r\n"), op: "answer", loop: true},
		"huge chunk":         {answer: say(chunked + "ffffffff\r\n"), op: "answer", loop: true},
		"head too long":      {answer: say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 3*MaxHead)), op: "answer", loop: true},
		"folded header":      {answer: say("HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n"), op: "answer", loop: true},
		"bytes behind":       {answer: say(ok + "more"), op: "answer", loop: true},
		"two answers":        {answer: say(ok + ok), op: "answer", loop: true},
		"four digits":        {answer: say("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"), op: "answer", loop: true},
	} {
		t.Run(name, func(t *testing.T) {
			transports(t, func(t *testing.T, library bool) {
				if library && tc.loop {
					return
				}
				ln, target := listenTCP(t)
				script(t, ln, tc.answer)
				got := newRig(t, target, library).do("x")
				if tc.op != "" {
					got.wantError(t, tc.op, true)
					return
				}
				if got.err != nil || got.status != tc.status || got.answer != tc.body {
					t.Errorf("got %+v, want %d %q", got, tc.status, tc.body)
				}
			})
		})
	}
}

// An answer without a Content-Type does not inherit that of the one before.
func TestContentTypeIsTheAnswersOwn(t *testing.T) {
	transports(t, func(t *testing.T, library bool) {
		ln, target := listenTCP(t)
		script(t, ln, say(ok), say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), say(ok))
		r := newRig(t, target, library)
		for i, want := range []string{"a/b", "", "a/b"} {
			if got := r.do("x"); got.kind != want || got.err != nil {
				t.Errorf("answer %d: content type %q, %v; want %q", i, got.kind, got.err, want)
			}
		}
	})
}

// A daemon that hangs up between calls costs nothing: the next call connects anew.
func TestDaemonHangsUpBetweenCalls(t *testing.T) {
	transports(t, func(t *testing.T, library bool) {
		ln, target := listenTCP(t)
		script(t, ln, say(ok)) // closes after one answer without saying so
		r := newRig(t, target, library)
		for i := range 5 {
			got := r.do("x")
			if got.err == nil {
				if got.answer != "ok" {
					t.Errorf("call %d: %+v", i, got)
				}
				continue
			}
			// The end of the connection may cross the next call on its way.
			got.wantError(t, "read", true)
		}
	})
}

// A connection whose daemon said that it will close is not used again, even while
// the daemon has not closed it.
func TestConnectionCloseIsBelieved(t *testing.T) {
	transports(t, func(t *testing.T, library bool) {
		ln, target := listenTCP(t)
		hang := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
		script(t, ln, say(strings.Replace(ok, "\r\n", "\r\nConnection: x, Close\r\n", 1)), hang)
		r := newRig(t, target, library)
		for range 3 {
			if got := r.wait(r.start([]byte("x"), patience)); got.answer != "ok" {
				t.Errorf("got %+v, want an answer on a new connection", got)
			}
		}
	})
}

// A daemon that refuses a large body before it has read it is heard.
func TestAnswerBeforeTheCallIsWritten(t *testing.T) {
	networks(t, func(t *testing.T, ln net.Listener, target string) {
		release := make(chan struct{})
		go func() {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(c, make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: keep-alive, close\r\n\r\n")
			<-release // closing now would reset the connection
			_ = c.Close()
		}()
		got := newRig(t, target, false).send(make([]byte, 32<<20))
		close(release)
		if got.status != 413 || got.err != nil {
			t.Errorf("got %+v, want 413", got)
		}
	})
}

func TestDialErrors(t *testing.T) {
	for name, target := range map[string]string{
		"refused": refusingTCP(t),
		"no file": "unix:/nonexistent/socket",
		"no name": "http://mlbridge.invalid:1",
	} {
		t.Run(name, func(t *testing.T) {
			transports(t, func(t *testing.T, library bool) {
				r := newRig(t, target, library)
				r.do("x").wantError(t, "dial", false)
				r.do("x").wantError(t, "dial", false) // and may be tried again
			})
		})
	}
}

// localhost is both addresses, whichever the daemon listens on.
func TestLocalhost(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s cannot be listened on here: %v", address, err)
			continue
		}
		script(t, ln, say(ok))
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		if got := newRig(t, "http://localhost:"+port, false).do("x"); got.answer != "ok" {
			t.Errorf("%s: %+v", address, got)
		}
		_ = ln.Close()
	}
}

func TestTimeout(t *testing.T) {
	for name, answer := range map[string]func(net.Conn){
		"no answer": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"half":      func(c net.Conn) { say(ok[:30])(c); _, _ = io.Copy(io.Discard, c) },
	} {
		t.Run(name, func(t *testing.T) {
			transports(t, func(t *testing.T, library bool) {
				ln, target := listenTCP(t)
				var calls atomic.Int64
				script(t, ln, func(c net.Conn) {
					if calls.Add(1) == 1 {
						answer(c)
						return
					}
					say(ok)(c)
				})
				r := newRig(t, target, library)
				got := r.wait(r.start([]byte("x"), 50*time.Millisecond))
				for e, ok := errors.AsType[*Error](got.err); ok && !e.Sent; e, ok = errors.AsType[*Error](got.err) {
					got.wantError(t, "timeout", false) // a machine that is busy may not even have called
					got = r.wait(r.start([]byte("x"), 50*time.Millisecond))
				}
				got.wantError(t, "timeout", true)
				for calls.Load() == 0 { // the daemon takes the first as the first
					runtime.Gosched()
				}
				if got := r.do("x"); got.answer != "ok" { // not the late answer of the first
					t.Errorf("after a timeout: %+v", got)
				}
			})
		})
	}
}

// Nothing was sent when the time was over before there was a connection.
func TestTimeoutWhileConnecting(t *testing.T) {
	r := newRig(t, "http://mlbridge.invalid:1", false)
	got := r.wait(r.start([]byte("x"), time.Nanosecond))
	got.wantError(t, "timeout", false)
}

func TestCloseDuringAnExchange(t *testing.T) {
	transports(t, func(t *testing.T, library bool) {
		ln, target := listenTCP(t)
		asked := make(chan struct{}, 1)
		script(t, ln, func(c net.Conn) { asked <- struct{}{}; _, _ = io.Copy(io.Discard, c) })
		r := newRig(t, target, library)
		ended := r.start([]byte("x"), patience)
		<-asked
		r.loop.Post(r.conn.Close)
		r.wait(ended).wantError(t, "close", true)
	})
}
