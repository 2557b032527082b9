package daemon

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"golang.org/x/sys/unix"
)

// Two servers get the same bytes, in the same parts: one with loops, one with the
// library alone. They must answer the same.

// twins starts the two. Their model panics for agent 13.
func twins(t *testing.T) (loop, library *running) {
	t.Helper()
	model := &fake{version: "1", answer: func(q ipc.Request, p *ipc.Prediction) error {
		if q.Subject().Agent == 13 {
			panic("broken model")
		}
		return echo(q, p)
	}}
	opts := patient // a part may be late
	opts.Loops = 2
	loop = start(t, model, opts)
	opts.Loops = -1
	return loop, start(t, model, opts)
}

// talk sends parts, each when the one before has been read, then ends its side, and
// gives all that comes back.
func (r *running) talk(t *testing.T, network string, parts [][]byte) []byte {
	t.Helper()
	c := r.dialOn(t, network)
	defer c.Close()
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(c) // a reset may follow the answer to what was not read
		got <- b
	}()
	for _, p := range parts {
		if _, err := c.Write(p); err != nil {
			break // refused: the answer says why
		}
		awaitRead(t, c)
	}
	_ = c.(halfCloser).CloseWrite()
	return <-got
}

// awaitRead waits until a Unix socket's peer has read everything or hung up; on TCP,
// until it has arrived.
func awaitRead(t *testing.T, c net.Conn) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for unread := 1; unread > 0; runtime.Gosched() {
		cerr := raw.Control(func(fd uintptr) { unread, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
		if err := errors.Join(cerr, err); err != nil {
			t.Fatal(err)
		}
	}
}

var latencies = regexp.MustCompile(`"latency_ms":[0-9.e+-]+`)

// readable gives what was answered, without the moment and the latency of each answer.
func readable(t *testing.T, k ipc.Kind, batch bool, n int, all []byte) (answers []string) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(all))
	for {
		if _, err := in.Peek(1); err != nil {
			return answers
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return append(answers, err.Error())
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			answers = append(answers, err.Error())
		}
		if resp.Header.Get("Content-Type") == api.Msgpack.ContentType() {
			var a api.Answer
			if err := api.Msgpack.ParseAnswer(body, k, batch, n, &a); err != nil {
				t.Errorf("%v in %q", err, body)
			}
			a.Latency = 0
			body = fmt.Appendf(nil, "%+v", a)
		}
		body = latencies.ReplaceAll(body, nil)
		resp.Header.Del("Date")
		resp.Header.Del("Content-Length") // has the length of the latency in it; ReadAll needed it to be right
		answers = append(answers, fmt.Sprintf("%s %v close=%v %s", resp.Status, resp.Header, resp.Close, body))
	}
}

// plainCall is what stays on a loop, in JSON.
func plainCall(fields, body string) []byte {
	return fmt.Appendf(nil, "POST /api/ml/predict/workload HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s", fields, len(body), body)
}

// sentences are whole requests and other things that a peer may send.
func sentences() [][]byte {
	const asJSON = "Content-Type: application/json\r\n"
	good := originBodies[0].body
	list := [][]byte{
		call(), call(), call(), // mostly these
		plainCall(asJSON+"User-Agent: x\r\nAccept: */*\r\nConnection: keep-alive\r\n", good),
		plainCall(asJSON, "{"),
		plainCall(asJSON, `{"agentId":1}`),
		plainCall(asJSON, strings.Replace(good, "agent-42", "agent-13", 1)),
		plainCall(asJSON, good+strings.Repeat(" ", 60_000)),
		plainCall(asJSON, good+strings.Repeat(" ", 600_000)),
		plainCall("Content-Type: text/plain\r\n", good),
		plainCall("", good),
		plainCall(asJSON+"Content-Encoding: gzip\r\n", good),
		plainCall(asJSON+"Connection: close\r\n", good),
		plainCall(asJSON+"Expect: 100-continue\r\n", good),
		plainCall(asJSON+"Content-Length: 5\r\n", good),
		plainCall(asJSON+"X-Other: 1\r\n", good),
		plainCall(asJSON+"Host: evil.example\r\n", good),
		bytes.Replace(call(), []byte("localhost"), []byte("evil.example"), 1),
		bytes.Replace(call(), []byte("HTTP/1.1"), []byte("HTTP/1.0"), 1),
		bytes.Replace(call(), []byte("/workload"), []byte("//workload"), 1),
		bytes.Replace(call(), []byte("/workload"), []byte("/workload?x=1"), 1),
		bytes.Replace(call(), []byte("/workload"), []byte("/weather"), 1),
		bytes.ReplaceAll(call(), []byte("\r\n"), []byte("\n")),
		[]byte("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		[]byte("PUT /api/ml/predict/workload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nxx"),
		[]byte("POST /api/ml/predict/workload HTTP/1.1\r\nHost: localhost\r\n" + asJSON + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
		[]byte("\r\n"),
		[]byte("\x16\x03\x01\x02\x00\x01"),
	}
	b := originBodies[4]
	return append(list, fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s", b.path, asJSON, len(b.body), b.body))
}

// TestTwins sends sentences in a row, some with a byte changed, in random parts.
func TestTwins(t *testing.T) {
	if loops < 0 {
		return // both servers are in it, once is enough
	}
	loop, library := twins(t)
	list := sentences()
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		var all []byte
		for range 1 + rnd.IntN(4) {
			all = append(all, list[rnd.IntN(len(list))]...)
		}
		for range rnd.IntN(2) {
			all[rnd.IntN(min(len(all), 300))] = byte(rnd.Uint32())
		}
		var parts [][]byte
		for rest := all; len(rest) > 0; {
			n := len(rest)
			if len(parts) < 4 && rnd.IntN(2) == 0 {
				n = 1 + rnd.IntN(n)
			}
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		network := []string{"unix", "tcp"}[i%2]
		got := readable(t, 0, false, 0, loop.talk(t, network, parts))
		want := readable(t, 0, false, 0, library.talk(t, network, parts))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %d parts of %.2000q (-library +loop):\n%s", network, len(parts), all, diff)
		}
	}
	sameCounts(t, loop, library)
}

// sameCounts compares what the two servers counted.
func sameCounts(t *testing.T, loop, library *running) {
	t.Helper()
	counts := func(r *running) map[string]uint64 {
		m := map[string]uint64{"panics": r.panics.Load(), "unknown": r.unknown.Load()}
		r.counts.each(func(route, class string, n uint64) { m[route+" "+class] = n })
		for _, k := range ipc.Kinds {
			s := r.tally[k].snapshot()
			m[k.String()+" calls"], m[k.String()+" ok"], m[k.String()+" errors"] = s.calls, s.ok, s.errors
		}
		return m
	}
	// A call is counted when its answer has been written, which its reader may have seen
	// before: whoever has not counted all gets the time for it.
	diff := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if diff = cmp.Diff(counts(library), counts(loop)); diff == "" {
			return
		}
	}
	t.Errorf("counted (-library +loop):\n%s", diff)
}

// TestTwinsSplit sends two calls split at every position, in msgpack and of each kind.
func TestTwinsSplit(t *testing.T) {
	if loops < 0 {
		return
	}
	loop, library := twins(t)
	for _, k := range ipc.Kinds {
		all := bytes.Repeat(rawCall(api.Msgpack, k), 2)
		for n := 1; n < len(all); n += 1 + n%3 {
			parts := [][]byte{all[:n], all[n:]}
			got := readable(t, k, false, 1, loop.talk(t, "unix", parts))
			want := readable(t, k, false, 1, library.talk(t, "unix", parts))
			if diff := cmp.Diff(want, got); diff != "" || len(got) != 2 {
				t.Errorf("%v split at %d (-library +loop):\n%s", k, n, diff)
			}
		}
	}
	sameCounts(t, loop, library)
}

var dates = regexp.MustCompile(`Date: [^\r]{29}\r`)

// TestTwinsBytes compares whole answers, byte for byte, of which only the date differs.
func TestTwinsBytes(t *testing.T) {
	loop, library := twins(t)
	for _, body := range []string{"{", `{"agentId":1}`, strings.Replace(originBodies[0].body, "agent-42", "agent-13", 1), strings.Repeat(" ", 70_000)} {
		parts := [][]byte{plainCall("Content-Type: application/json\r\n", body)}
		got := dates.ReplaceAll(loop.talk(t, "tcp", parts), []byte("Date\r"))
		want := dates.ReplaceAll(library.talk(t, "tcp", parts), []byte("Date\r"))
		if !bytes.Equal(got, want) || !bytes.Contains(got, []byte("\r\nDate\r\n")) {
			t.Errorf("%.60q: %q, the library answers %q", body, got, want)
		}
	}
	if _, all := loop.busy(); all != 0 {
		t.Errorf("%d connections went to the library, want none", all)
	}
}
