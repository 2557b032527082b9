package daemon

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// dial opens a raw connection that the test's end closes.
func (r *running) dial(t *testing.T) net.Conn {
	t.Helper()
	return r.dialOn(t, "unix")
}

func (r *running) address(network string) string {
	if network == "unix" {
		return r.socket
	}
	return r.addr
}

func (r *running) dialOn(t *testing.T, network string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, r.address(network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// readAnswer reads one answer from a raw connection.
func readAnswer(t *testing.T, c net.Conn) (int, []byte) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// allocated gives the bytes allocated so far in this process, server and test.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestHugeBody sends 100 MB, announced and in chunks: refused with an answer that
// the client can read, without memory for what it sent.
func TestHugeBody(t *testing.T) {
	r := start(t, nil, patient)
	const total = 100 << 20
	piece := bytes.Repeat([]byte(" "), 64<<10)
	chunk := []byte(fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece))
	for _, x := range []struct {
		header string
		piece  []byte
		most   uint64 // bytes that may be allocated on the way
	}{
		{fmt.Sprintf("Content-Length: %d", total), piece, 1 << 20},
		// The first 4 MiB arrive before it is clear that more follow: storage that
		// doubles up to 8 MiB is 16 MiB in all.
		{"Transfer-Encoding: chunked", chunk, 20 << 20},
	} {
		for _, network := range []string{"unix", "tcp"} {
			r.sendHuge(t, network, x.header, x.piece, total, x.most)
		}
	}
	if status, body := r.post(t, r.client(t, true), api.JSON, ipc.Workload, false, []byte(originBodies[0].body)); status != 200 {
		t.Errorf("afterwards: %d %s", status, body)
	}
}

// sendHuge sends a body of total bytes in pieces as far as the server takes it.
func (r *running) sendHuge(t *testing.T, network, header string, piece []byte, total int, most uint64) {
	t.Helper()
	c := r.dialOn(t, network)
	before := allocated()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n\r\n", api.PredictPath(ipc.Workload, false), header)
	for sent := 0; sent < total; sent += len(piece) {
		if _, err := c.Write(piece); err != nil {
			break // refused on the way: the answer is there
		}
	}
	status, body := readAnswer(t, c)
	if grown := allocated() - before; grown > most {
		t.Errorf("%s %s: %d bytes allocated, want at most %d", network, header, grown, most)
	}
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(api.ParseError(body), "over 4 MiB") {
		t.Errorf("%s %s: %d %s", network, header, status, body)
	}
}

// TestRefusedByItsLength: a client that announces too much is told so though the rest of it
// takes its time, or never comes.
func TestRefusedByItsLength(t *testing.T) {
	r := start(t, nil, Options{})
	for _, network := range []string{"unix", "tcp"} {
		c := r.dialOn(t, network)
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{",
			api.PredictPath(ipc.Workload, false), api.MaxBodyBytes+1)
		if status, body := readAnswer(t, c); status != http.StatusRequestEntityTooLarge || !strings.Contains(api.ParseError(body), "over 4 MiB") {
			t.Errorf("%s: %d %s", network, status, body)
		}
	}
}

// TestRefusalIsReadable: many clients write their whole body before they read, and
// give up when a write fails. They too learn why they were refused.
func TestRefusalIsReadable(t *testing.T) {
	r := start(t, nil, patient)
	body := bytes.Repeat([]byte(" "), 2*api.MaxBodyBytes)
	for _, network := range []string{"unix", "tcp"} {
		c := r.dialOn(t, network)
		if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			api.PredictPath(ipc.Workload, false), len(body), body); err != nil {
			t.Errorf("%s: writing the body: %v", network, err)
		}
		if status, _ := readAnswer(t, c); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", network, status)
		}
	}
}

// TestLargestBody: what is just within the limit is read.
func TestLargestBody(t *testing.T) {
	r := start(t, nil, patient)
	body := []byte(originBodies[0].body + strings.Repeat(" ", api.MaxBodyBytes-len(originBodies[0].body)))
	for _, unix := range []bool{false, true} {
		if status, answer := r.post(t, r.client(t, unix), api.JSON, ipc.Workload, false, body); status != 200 {
			t.Errorf("unix=%v %d bytes: %d %s", unix, len(body), status, answer)
		}
		if status, _ := r.post(t, r.client(t, unix), api.JSON, ipc.Workload, false, append(body, ' ')); status != 413 {
			t.Errorf("unix=%v one byte more: %d", unix, status)
		}
	}
}

// TestAnnouncedBodies: many peers announce the largest body there is and send
// nothing of it. That costs them a connection each and us no storage.
func TestAnnouncedBodies(t *testing.T) {
	r := start(t, nil, Options{})
	const peers = 100
	before := allocated()
	for range peers {
		c := r.dial(t)
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{",
			api.PredictPath(ipc.Workload, false), api.MaxBodyBytes)
	}
	// The barrier is a call that is answered behind all of them.
	if status, _ := r.post(t, r.client(t, true), api.JSON, ipc.Workload, false, []byte(originBodies[0].body)); status != 200 {
		t.Fatal(status)
	}
	if each := (allocated() - before) / peers; each > 64<<10 {
		t.Errorf("%d bytes a peer", each)
	}
	r.Close()
}

// TestSlowPeers: a request that does not complete in time is answered and its
// connection closed, whether the header or the body is slow. On a busy machine the server
// may have lost patience before it was sent all of what is there: then the end is a reset.
func TestSlowPeers(t *testing.T) {
	r := start(t, nil, Options{ReadTimeout: time.Second}) // longer than such a machine stands still before it sends anything
	slow := []string{
		"POST /api",
		"POST /api/ml/predict/workload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"POST /api/ml/predict/workload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
		"POST /api/ml/predict/workload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat(" ", 8500),
	}
	conns := make([]net.Conn, len(slow))
	for i, sent := range slow {
		conns[i] = r.dial(t)
		fmt.Fprint(conns[i], sent)
	}
	for i, sent := range slow {
		c := conns[i]
		if status, body := readAnswer(t, c); status != http.StatusRequestTimeout || api.ParseError(body) == "" {
			t.Errorf("%.60q: %d %s", sent, status, body)
		}
		if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%.60q: read %d, %v after the answer, want the end", sent, n, err)
		}
	}
}

// TestIdle: a connection without requests is closed after the idle timeout, but a
// slow first request counts as slow, not as idle.
func TestIdle(t *testing.T) {
	r := start(t, nil, Options{IdleTimeout: 50 * time.Millisecond})
	c := r.dial(t)
	fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, _ := readAnswer(t, c); status != 200 {
		t.Fatal(status)
	}
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d, %v, want EOF", n, err)
	}
}

// TestMalformed: what is no HTTP is answered as far as it can be, and headers are
// bounded.
func TestMalformed(t *testing.T) {
	r := start(t, nil, Options{})
	for sent, want := range map[string]int{
		"\x00\x01\x02\r\n\r\n": 400,
		"GET\r\n\r\n":          400,
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n":                                                     431,
		"GET /" + strings.Repeat("x", 20_000) + " HTTP/1.1\r\n\r\n":                                                                       431,
		"POST /api/ml/predict/workload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n":                                                 400,
		"POST /api/ml/predict/workload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!":                       400,
		"POST /api/ml/predict/workload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
	} {
		c := r.dial(t)
		fmt.Fprint(c, sent)
		if status, body := readAnswer(t, c); status != want || api.ParseError(body) == "" {
			t.Errorf("%.80q: %d %s, want %d", sent, status, body, want)
		}
	}
}

// TestCutBody: a peer that closes in the middle of a body is no call.
func TestCutBody(t *testing.T) {
	asked := false
	r := start(t, &fake{version: "1", answer: func(q ipc.Request, p *ipc.Prediction) error {
		asked = asked || q.Subject().Agent == 99
		return echo(q, p)
	}}, Options{})
	body := strings.Replace(originBodies[0].body, "agent-42", "agent-99", 1)
	c := r.dial(t)
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		api.PredictPath(ipc.Workload, false), len(body)+1, body)
	if err := c.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if status, answer := readAnswer(t, c); status != 400 {
		t.Errorf("%d %s", status, answer)
	}
	r.Close()
	if asked {
		t.Error("the model was asked half a question")
	}
}

// TestTooManyConnections: the limit is kept, said, and open again afterwards.
func TestTooManyConnections(t *testing.T) {
	r := start(t, nil, Options{MaxConns: 2})
	var kept []net.Conn
	for range 2 {
		c := r.dial(t)
		fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		if status, _ := readAnswer(t, c); status != 200 {
			t.Fatal(status)
		}
		kept = append(kept, c)
	}
	if status, body := readAnswer(t, r.dial(t)); status != 503 || api.ParseError(body) != "too many connections" {
		t.Errorf("third connection: %d %s", status, body)
	}
	if n := r.rejected.Load(); n != 1 {
		t.Errorf("%d rejected, want 1", n)
	}
	kept[0].Close()
	for {
		c := r.dial(t)
		fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		if status, _ := readAnswer(t, c); status == 200 {
			break // the place was free at once, or some dials later
		}
	}
}

// TestHost: on loopback only loopback's names, and those that were allowed.
func TestHost(t *testing.T) {
	r := start(t, nil, Options{AllowHosts: []string{"ML.example", "10.1.2.3"}})
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:" + port: 200, "localhost:1": 200, "LocalHost": 200, "[::1]:80": 200, "127.9.9.9": 200,
		"ml.example": 200, "ml.EXAMPLE:80": 200, "10.1.2.3": 200, "": 200,
		"evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "10.1.2.4": 403, "[::2]": 403, "0.0.0.0": 403,
	} {
		for _, network := range []string{"tcp", "unix"} {
			if network == "unix" {
				want = 200 // nobody rebinds a name to a socket file
			}
			c := r.dialOn(t, network)
			fmt.Fprintf(c, "GET /livez HTTP/1.0\r\nHost: %s\r\n\r\n", host)
			if status, body := readAnswer(t, c); status != want {
				t.Errorf("%s Host %q: %d %s, want %d", network, host, status, body, want)
			}
			c.Close()
		}
	}
}
