package daemon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// gate is a model whose answers wait for the test.
type gate struct {
	entered chan struct{} // one value per question that has arrived
	open    chan struct{} // closed to let them all through
}

func newGate() *gate {
	return &gate{entered: make(chan struct{}, 1000), open: make(chan struct{})}
}

func (g *gate) answer(q ipc.Request, p *ipc.Prediction) error {
	if q.Subject().Agent == 42 { // the agent of call, not the registry's trial
		g.entered <- struct{}{}
		<-g.open
	}
	return echo(q, p)
}

// call is a workload question as raw HTTP.
func call() []byte {
	body := originBodies[0].body
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		api.PredictPath(ipc.Workload, false), len(body), body)
}

// TestDrain shuts down with calls in flight, idle connections and a pipeline.
func TestDrain(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) { testDrain(t, network) })
	}
}

func testDrain(t *testing.T, network string) {
	g := newGate()
	r := start(t, &fake{version: "1", answer: g.answer}, Options{})

	idle := r.dialOn(t, network)
	fmt.Fprint(idle, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if status, _ := readAnswer(t, idle); status != 200 {
		t.Fatal(status)
	}
	single := r.dialOn(t, network)
	single.Write(call())
	const depth = 20
	pipeline := r.dialOn(t, network)
	pipeline.Write(bytes.Repeat(call(), depth))
	<-g.entered
	<-g.entered // one of each is with the model

	done := make(chan error, 1)
	go func() { done <- r.Shutdown(context.Background()) }()
	// The idle connection ends while the others wait: that is the proof that
	// draining has begun.
	if n, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("idle connection: read %d, %v, want EOF", n, err)
	}
	for { // until the listener has closed, which it does by itself
		c, err := net.Dial(network, r.address(network))
		if err != nil {
			break
		}
		c.Close()
	}
	select {
	case err := <-done:
		t.Fatalf("Shutdown = %v with calls in flight", err)
	default:
	}
	close(g.open)

	resp, err := http.ReadResponse(bufio.NewReader(single), nil)
	if err != nil || resp.StatusCode != 200 || !resp.Close {
		t.Errorf("the call in flight: %v, %+v, want 200 and Connection: close", err, resp)
	}
	answers := bufio.NewReader(pipeline)
	for i := range depth {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("pipelined call %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	if _, err := answers.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last answer: %v, want EOF", err)
	}
}

// slowAccept is a listener that accepts nothing before the test says so.
type slowAccept struct {
	*net.UnixListener
	open chan struct{}
}

func (l *slowAccept) Accept() (net.Conn, error) {
	<-l.open
	return l.UnixListener.Accept()
}

// TestDrainBacklog: a call on a connection that waits to be accepted when draining
// begins is answered.
func TestDrainBacklog(t *testing.T) {
	r := start(t, nil, Options{})
	path := filepath.Join(t.TempDir(), "late")
	ln, err := Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	late := &slowAccept{UnixListener: ln.(*net.UnixListener), open: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- r.Serve(late) }()
	for tracked := 0; tracked < 3; { // the harness's two, and this
		r.mu.Lock()
		tracked = len(r.listeners)
		r.mu.Unlock()
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(call()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(context.Background()) }()
	for !r.Draining() {
		runtime.Gosched()
	}
	close(late.open)
	if status, body := readAnswer(t, c); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, ErrClosed) {
		t.Errorf("Serve = %v", err)
	}
}

// busy gives the number of connections that the library serves and are not idle, and
// of all that it serves.
func (r *running) busy() (active, all int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if !c.idle.Load() {
			active++
		}
	}
	return active, len(r.conns)
}

// TestDrainTimeout: what does not finish in time is closed, and Shutdown says so.
func TestDrainTimeout(t *testing.T) {
	r := start(t, nil, Options{ReadTimeout: time.Minute})
	c := r.dial(t)
	c.Write(call()[:100]) // half a request, which could yet arrive
	// The barrier: the connection has been accepted and has its first bytes.
	for active := 0; active == 0; {
		active, _ = r.busy()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v", err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes from a closed connection", n)
	}
}

// TestDrainUnderLoad shuts down while clients call as fast as they can, one at a
// time on kept connections and in pipelines. A call whose bytes all went out before
// the connection ended for writing must have its answer.
func TestDrainUnderLoad(t *testing.T) {
	r := start(t, nil, Options{})
	var answered, lost atomic.Int64
	started := make(chan struct{}, 1000)
	var clients sync.WaitGroup
	one := call()
	for i := range 8 {
		depth := 1 + i%2*7
		c := r.dial(t)
		clients.Go(func() {
			in := bufio.NewReader(c)
			for {
				if _, err := c.Write(bytes.Repeat(one, depth)); err != nil {
					return // not sent: nothing is lost
				}
				for n := range depth {
					resp, err := http.ReadResponse(in, nil)
					if err != nil {
						// On a Unix socket a write into an input that has stopped
						// fails, so what was written in full was there to be read.
						lost.Add(int64(depth - n))
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					answered.Add(1)
					if resp.Close {
						return
					}
				}
				select {
				case started <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 200 {
		<-started
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	clients.Wait()
	if n := lost.Load(); n != 0 {
		t.Errorf("%d calls lost, %d answered", n, answered.Load())
	}
}

// TestReloadUnderLoad swaps models while clients call: no call fails, and each batch
// is answered by one model as a whole.
func TestReloadUnderLoad(t *testing.T) {
	version := func(n uint64) *fake {
		return &fake{version: fmt.Sprint(n), answer: func(_ ipc.Request, p *ipc.Prediction) error {
			p.Workload.Memory = n
			return nil
		}}
	}
	r := start(t, version(1), Options{})
	var clients sync.WaitGroup
	stop := make(chan struct{})
	var calls atomic.Int64
	reqs := []ipc.Request{question(ipc.Workload, 1), question(ipc.Workload, 2), question(ipc.Workload, 3)}
	for _, f := range []api.Format{api.JSON, api.Msgpack} {
		c := r.client(t, f == api.Msgpack)
		body := f.AppendCall(nil, ipc.Workload, reqs, true)
		clients.Go(func() {
			var a api.Answer
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, answer := r.post(t, c, f, ipc.Workload, true, body)
				if status != 200 {
					t.Errorf("%d %s", status, answer)
					return
				}
				if err := f.ParseAnswer(answer, ipc.Workload, true, len(reqs), &a); err != nil {
					t.Error(err)
					return
				}
				for i := range a.Slots {
					if got := fmt.Sprintf("fake@%d", a.Slots[i].Prediction.Workload.Memory); got != a.Model {
						t.Errorf("slot %d was answered by %s in an answer of %s", i, got, a.Model)
					}
				}
				calls.Add(1)
			}
		})
	}
	for n := uint64(2); n < 100 || calls.Load() < 100; n++ {
		r.source.set(version(n))
		if err := r.registry.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	clients.Wait()
}
