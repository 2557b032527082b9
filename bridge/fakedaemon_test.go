package bridge

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// fakeDaemon is a real HTTP server that speaks mld's API and misbehaves on demand.
type fakeDaemon struct {
	*httptest.Server
	calls     atomic.Int64
	questions atomic.Int64

	mu     sync.Mutex
	behave func(w http.ResponseWriter, r *http.Request) (handled bool)
	spoil  func(*ipc.Prediction)
}

func newFakeDaemon(t *testing.T) *fakeDaemon { return newFakeDaemonOn(t, nil) }

// newFakeDaemonOn answers on ln, or, where that is nil, on a port of its own.
func newFakeDaemonOn(t *testing.T, ln net.Listener) *fakeDaemon {
	d := new(fakeDaemon)
	d.Server = httptest.NewUnstartedServer(http.HandlerFunc(d.serve))
	if ln != nil {
		d.Listener.Close()
		d.Listener = ln
	}
	d.Start()
	t.Cleanup(d.Close)
	return d
}

// on sets what happens to calls before they are answered; nil answers them all.
func (d *fakeDaemon) on(f func(http.ResponseWriter, *http.Request) bool) {
	d.mu.Lock()
	d.behave = f
	d.mu.Unlock()
}

// spoiling changes every prediction before it is sent.
func (d *fakeDaemon) spoiling(f func(*ipc.Prediction)) {
	d.mu.Lock()
	d.spoil = f
	d.mu.Unlock()
}

func (d *fakeDaemon) serve(w http.ResponseWriter, r *http.Request) {
	d.calls.Add(1)
	d.mu.Lock()
	behave, spoil := d.behave, d.spoil
	d.mu.Unlock()
	if behave != nil && behave(w, r) {
		return
	}
	kind := ipc.Kind(0)
	for _, k := range ipc.Kinds {
		if r.URL.Path == api.PredictPath(k, true) {
			kind = k
		}
	}
	format, ok := api.ParseContentType([]byte(r.Header.Get("Content-Type")))
	body, err := io.ReadAll(r.Body)
	if !ok || kind == 0 || err != nil {
		http.Error(w, "bad call", http.StatusBadRequest)
		return
	}
	call := api.Call{Kind: kind, Batch: true}
	if err := format.ParseCall(body, &call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.questions.Add(int64(len(call.Requests)))
	answer := api.Answer{Model: kind.String() + "-fake@1"}
	answer.Resize(len(call.Requests))
	for i, q := range call.Requests {
		answer.Slots[i] = api.Slot{Prediction: predictionFor(q)}
		if spoil != nil {
			spoil(&answer.Slots[i].Prediction)
		}
	}
	w.Header().Set("Content-Type", format.ContentType())
	_, _ = w.Write(format.AppendAnswer(nil, &answer, true))
}

// predictionFor tells in the prediction what the question was, so that a test sees
// an answer that was given to another.
func predictionFor(q ipc.Request) ipc.Prediction {
	p := ipc.Prediction{Kind: q.Kind()}
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		p.Workload = ipc.WorkloadPrediction{CPU: q.CurrentCPU, Memory: q.CurrentMemory, GPU: q.CurrentGPU, Confidence: 0.75}
	case *ipc.ThreatRequest:
		p.Threat = ipc.ThreatPrediction{Score: 0.25, Confidence: 0.75, Action: ipc.ActionMonitor}
	case *ipc.FailureRequest:
		p.Failure = ipc.FailurePrediction{Probability: 0.5, PredictedTime: ipc.Some[uint64](3_000_000), Confidence: 0.75, Type: ipc.FailureIO}
	case *ipc.MemoryRequest:
		p.Memory = ipc.MemoryPrediction{NextAddress: q.CurrentAddress, Probability: 0.75, Confidence: 0.75}
	}
	return p
}

// deadTarget is an address on which nobody listens, nor will before the test ends.
func deadTarget(t *testing.T) upstream.Target {
	t.Helper()
	at, _ := deadPort(t)
	return at
}

// deadPort is a deadTarget that comes to life. The port is taken all the time, so that
// nobody else's daemon answers there.
func deadPort(t *testing.T) (at upstream.Target, revive func() net.Listener) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	t.Cleanup(func() { f.Close() })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return target(t, fmt.Sprintf("http://127.0.0.1:%d", addr.(*unix.SockaddrInet4).Port)), func() net.Listener {
		t.Helper()
		if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
			t.Fatal(err)
		}
		ln, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
}

func target(t *testing.T, url string) upstream.Target {
	t.Helper()
	target, err := upstream.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
