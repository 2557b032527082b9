package httploop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"golang.org/x/sys/unix"
)

// TestPipeline: calls that come together are answered in order, in one write.
func TestPipeline(t *testing.T) {
	ls, _ := start(t, patient)
	peer := dial(t, ls)
	var all []byte
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint("call ", i))
		all = append(all, request("/p", want[i])...)
	}
	send(t, peer, all)
	b := make([]byte, 1<<20)
	n, err := peer.Read(b)
	if got := bytes.Count(b[:n], []byte("HTTP/1.1 200 OK")); got != 50 || err != nil {
		t.Errorf("the first read has %d answers, %v, want all 50", got, err)
	}
	send(t, peer, all)
	if got := answers(t, peer, 50); !slices.Equal(got, want) {
		t.Errorf("answers %q", got)
	}
}

// TestSplits sends two calls in two parts, split at every position. Where the split is
// in a head the connection leaves with all that is not answered, and nothing else.
func TestSplits(t *testing.T) {
	ls, b := start(t, patient)
	one := request("/p", "first")
	all := append(bytes.Clone(one), request("/p", "second")...)
	body := len(one) - len("first")
	for n := 1; n < len(all); n++ {
		peer := dial(t, ls)
		sendRead(t, peer, all[:n])
		inHead := n < body || n > len(one) && n < len(one)+body
		if inHead {
			h := taken(t, b)
			want := all[:n]
			if n > len(one) {
				want = all[len(one):n]
			}
			if !bytes.Equal(h.Ahead, want) || h.Due.IsZero() != (n > len(one)) {
				t.Errorf("split at %d: %q due %v, want %q", n, h.Ahead, h.Due, want)
			}
			continue
		}
		send(t, peer, all[n:])
		if got := answers(t, peer, 2); got[0] != "first" || got[1] != "second" {
			t.Errorf("split at %d: %q", n, got)
		}
		peer.Close()
		wait(t, b.closed, "the connection's end")
	}
}

// TestDribble sends a long body byte by byte, and then in large parts.
func TestDribble(t *testing.T) {
	ls, _ := start(t, patient)
	peer := dial(t, ls)
	body := strings.Repeat("0123456789", 5)
	all := request("/p", body)
	head := len(all) - len(body)
	sendRead(t, peer, all[:head])
	for i := head; i < len(all); i++ {
		sendRead(t, peer, all[i:i+1])
	}
	if got := answers(t, peer, 1); got[0] != body {
		t.Errorf("%q", got)
	}
	large := strings.Repeat("x", maxBody)
	for range 2 { // the second uses the first's storage
		sendLater(peer, append(request("/p", large), request("/p", "small")...))
		if got := answers(t, peer, 2); got[0] != large || got[1] != "small" {
			t.Errorf("%d and %d bytes", len(got[0]), len(got[1]))
		}
	}
}

// TestLeaves: what the backend does not want goes with everything behind it, when what
// came before has been answered.
func TestLeaves(t *testing.T) {
	ls, b := start(t, patient)
	peer := dial(t, ls)
	odd := append(request("/other", "x"), request("/p", "y")...)
	send(t, peer, append(request("/p", "first"), odd...))
	h := taken(t, b)
	if !bytes.Equal(h.Ahead, odd) || !h.Due.IsZero() || !h.Pipelines || h.Guarded {
		t.Errorf("%+v", h)
	}
	if got := answers(t, peer, 1); got[0] != "first" {
		t.Errorf("%q", got)
	}
}

// TestHangUps: between calls it is the end; in a body it is for the library to say.
func TestHangUps(t *testing.T) {
	ls, b := start(t, patient)
	dial(t, ls).Close()
	wait(t, b.closed, "the end of a connection without a call")

	peer := dial(t, ls)
	send(t, peer, request("/p", "x"))
	answers(t, peer, 1)
	if err := peer.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := peer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d, %v, want EOF", n, err)
	}
	wait(t, b.closed, "the end of a connection between calls")

	peer = dial(t, ls)
	cut := request("/p", "hello")
	cut = cut[:len(cut)-1]
	send(t, peer, cut)
	if err := peer.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if h := taken(t, b); !bytes.Equal(h.Ahead, cut) {
		t.Errorf("%q", h.Ahead)
	}
}

// TestClosing: an answer that is to be the last one is.
func TestClosing(t *testing.T) {
	ls, b := start(t, patient)
	b.answer = func(c *Call, r *Reply) bool {
		if !c.Alone {
			t.Error("not alone")
		}
		r.Send(503, "a/b", c.Body, true)
		return true
	}
	peer := dial(t, ls)
	send(t, peer, request("/p", "x"))
	got, err := io.ReadAll(peer)
	if !strings.HasPrefix(string(got), "HTTP/1.1 503 Service Unavailable\r\nServer: test\r\nDate: ") ||
		!strings.HasSuffix(string(got), "\r\nConnection: close\r\n\r\nx") || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	wait(t, b.closed, "the end")
}

// big answers every call with so many bytes that a socket takes only some of them.
func big(b *backend) {
	b.answer = func(c *Call, r *Reply) bool {
		r.Send(200, "a/b", append(bytes.Repeat([]byte(" "), 64<<10), c.Body...), false)
		return true
	}
}

// TestNeverReads: a peer that takes no answers is read no further, and ended in time.
func TestNeverReads(t *testing.T) {
	ls, b := start(t, Limits{Read: time.Minute, Write: 50 * time.Millisecond, Idle: time.Minute})
	big(b)
	peer := dial(t, ls)
	send(t, peer, bytes.Repeat(request("/p", "x"), 200))
	wait(t, b.closed, "the end")
	if n := len(b.calls); n == 0 || n > 50 {
		t.Errorf("%d of 200 calls were answered to nobody", n)
	}
}

// TestReadsLate: a peer that takes its answers late gets all, in order.
func TestReadsLate(t *testing.T) {
	ls, b := start(t, patient)
	big(b)
	peer := dial(t, ls)
	const calls = 200
	var all []byte
	for i := range calls {
		all = append(all, request("/p", fmt.Sprint("call ", i))...)
	}
	all = append(all, "GET /odd HTTP/1.1\r\n\r\n"...)
	sendLater(peer, all)
	wait(t, b.calls, "the first call") // the socket is full a few calls later
	for i, body := range answers(t, peer, calls) {
		if got, want := strings.TrimLeft(body, " "), fmt.Sprint("call ", i); got != want {
			t.Fatalf("answer %d is of %q", i, got)
		}
	}
	if h := taken(t, b); string(h.Ahead) != "GET /odd HTTP/1.1\r\n\r\n" || !h.Pipelines {
		t.Errorf("%+v", h)
	}
}

// TestLate: each of the times that can pass. A call has more than a busy machine stands
// still, so that what is sent at once comes in time.
func TestLate(t *testing.T) {
	ls, b := start(t, Limits{Read: time.Second, Write: time.Minute, Idle: time.Minute})
	silent := dial(t, ls)
	if h := taken(t, b); len(h.Ahead) > 0 || h.Due.IsZero() || time.Now().Before(h.Due) {
		t.Errorf("without a byte: %+v", h)
	}
	silent.Close()

	slow := request("/p", "hello")
	slow = slow[:len(slow)-1]
	for _, before := range []int{0, 1} {
		peer := dial(t, ls)
		for range before {
			send(t, peer, request("/p", "x"))
			answers(t, peer, 1)
		}
		send(t, peer, slow)
		if h := taken(t, b); !bytes.Equal(h.Ahead, slow) || time.Now().Before(h.Due) {
			t.Errorf("slow call after %d: %+v", before, h)
		}
	}
}

// TestIdle: a connection that has had its answer and asks no more.
func TestIdle(t *testing.T) {
	ls, b := start(t, Limits{Read: time.Minute, Write: time.Minute, Idle: 60 * time.Millisecond})
	peer := dial(t, ls)
	send(t, peer, request("/p", "x"))
	answers(t, peer, 1)
	wait(t, b.closed, "the end of an idle connection")
}

// TestRelease: whoever is there leaves, with what came of a call; whoever has answers
// to take, when they are taken; and so does who comes later.
func TestRelease(t *testing.T) {
	ls, b := start(t, patient)
	idle, started := dial(t, ls), dial(t, ls)
	send(t, idle, request("/p", "x"))
	answers(t, idle, 1)
	part := request("/p", "hello")
	part = part[:len(part)-1]
	sendRead(t, started, append(request("/p", "x"), part...))
	answers(t, started, 1)

	ls.Release()
	var got []string
	for range 2 {
		got = append(got, string(taken(t, b).Ahead))
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"", string(part)}) {
		t.Errorf("left with %q", got)
	}
	dial(t, ls)
	if h := taken(t, b); len(h.Ahead) != 0 {
		t.Errorf("a new one left with %q", h.Ahead)
	}
}

func TestReleaseWithAnswersWaiting(t *testing.T) {
	ls, b := start(t, patient)
	big(b)
	peer := dial(t, ls)
	const calls = 100
	sendLater(peer, bytes.Repeat(request("/p", "x"), calls))
	wait(t, b.calls, "the first call") // the socket takes a few answers and then no more
	ls.Release()
	go func() { _, _ = io.Copy(io.Discard, peer) }() // until the descriptor is closed
	if h := taken(t, b); !h.Pipelines {
		t.Errorf("%+v", h)
	}
}

// TestAddToClosed: closed lanes take nobody.
func TestAddToClosed(t *testing.T) {
	ls, b := start(t, patient)
	peer := dial(t, ls)
	send(t, peer, request("/p", "x"))
	answers(t, peer, 1)
	ls.Close()
	wait(t, b.closed, "the end of an open connection")
	fd, _ := pair(t)
	defer unix.Close(fd)
	if ls.Add(fd, false) {
		t.Error("Add = true on closed lanes")
	}
}

// TestAddWhileClosing: who comes behind the last look at the connections is not lost.
func TestAddWhileClosing(t *testing.T) {
	ls, b := start(t, patient)
	l := ls.lanes[0]
	l.loop.Post(l.closeAll)
	dial(t, ls)
	l.loop.Close()
	ls.running.Wait()
	if len(b.handed) == 0 {
		t.Fatal("the connection was neither closed nor handed over")
	}
	taken(t, b)
}

// quiet notes nothing of its calls.
type quiet struct{ *backend }

func (quiet) Answer(c *Call, r *Reply) bool { return echo(c, r) }

// TestAllocations drives a connection by hand: a call, whole or in parts, allocates
// nothing here.
func TestAllocations(t *testing.T) {
	loop, err := eventloop.New(func() int64 { return time.Now().UnixNano() })
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	now := func() int64 { return time.Now().UnixNano() }
	l := newLane(loop, now, "test", quiet{newBackend()}, patient)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	peer := fds[1]
	defer unix.Close(peer)
	l.add(fds[0], false)
	defer l.closeAll()
	var c *conn
	for c = range l.conns {
	}
	one := request("/p", strings.Repeat("x", 300))
	answer := make([]byte, 4096)
	for name, parts := range map[string][][]byte{
		"whole": {one}, "two": {append(bytes.Clone(one), one...)}, "parts": {one[:200], one[200:300], one[300:]},
	} {
		if n := testing.AllocsPerRun(100, func() {
			for _, p := range parts {
				if _, err := unix.Write(peer, p); err != nil {
					t.Fatal(err)
				}
				c.Ready(true, false)
			}
			if n, err := unix.Read(peer, answer); n < 300 || err != nil {
				t.Fatal(n, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}
