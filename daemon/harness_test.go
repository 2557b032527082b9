package daemon

import (
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
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// fasthttp keeps one goroutine for the Date header, for good.
	leaks.Main(bothWays{m}, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// bothWays runs every test with the loops and then with the library alone: the
// contract is the same.
type bothWays struct{ *testing.M }

func (m bothWays) Run() int {
	// A busy loop keeps its processor, and the tests have clients in the same process.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(testLoops+2, runtime.NumCPU())))
	for _, loops = range []int{testLoops, -1} {
		if code := m.M.Run(); code != 0 {
			fmt.Printf("with Loops: %d\n", loops)
			return code
		}
	}
	return 0
}

// patience is how long is waited for what must come. It is there to tell where a test
// hangs, and longer than any machine is busy with other things.
const patience = 10 * time.Minute

// patient servers wait so long for their peers.
var patient = Options{ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: patience, linger: patience}

// testLoops are enough for models that wait in several calls at a time.
const testLoops = 4

// loops is what servers are started with.
var loops = testLoops

// fake is a model that answers each question with a function.
type fake struct {
	version string
	answer  func(q ipc.Request, p *ipc.Prediction) error
}

func (f *fake) Name() string    { return "fake" }
func (f *fake) Version() string { return f.version }
func (f *fake) Predict(reqs []ipc.Request, out []ipc.Prediction) error {
	for i, q := range reqs {
		if err := f.answer(q, &out[i]); err != nil {
			return err
		}
	}
	return nil
}

// echo answers with the question's own values, so that a test can see them come
// back exactly.
func echo(q ipc.Request, p *ipc.Prediction) error {
	p.Kind = q.Kind()
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		p.Workload = ipc.WorkloadPrediction{CPU: q.CurrentCPU, Memory: q.CurrentMemory, GPU: q.CurrentGPU, Confidence: 1}
	case *ipc.ThreatRequest:
		p.Threat = ipc.ThreatPrediction{Score: 0.5, Type: ipc.ThreatWebShell, Confidence: 1, Action: ipc.ActionMonitor}
	case *ipc.FailureRequest:
		p.Failure = ipc.FailurePrediction{Probability: q.HealthScore, PredictedTime: ipc.Some(uint64(1_999_999)), Confidence: 1}
	case *ipc.MemoryRequest:
		p.Memory = ipc.MemoryPrediction{NextAddress: q.CurrentAddress, Probability: 1, Confidence: 1, MoreLen: 1}
		p.Memory.More[0].Address = q.CurrentAddress
	}
	return nil
}

// source gives out one model for every kind, or none for those in without.
type source struct {
	mu      sync.Mutex
	model   registry.Predictor
	without map[ipc.Kind]bool
}

func (s *source) Look() registry.Look { return s }

func (*source) Problem(ipc.Kind) error { return nil }

func (*source) Candidate(ipc.Kind) (*registry.Candidate, error) { return nil, nil }

func (s *source) Load(k ipc.Kind) (registry.Predictor, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.without[k] {
		return nil, "", registry.ErrNone
	}
	return s.model, "test", nil
}

func (s *source) set(p registry.Predictor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model = p
}

// running is a server with a TCP and a Unix listener.
type running struct {
	*Server
	source *source
	addr   string // host:port
	socket string // path
}

// start runs a server of model, echo when nil, until the test ends.
func start(t *testing.T, model registry.Predictor, opts Options) *running {
	t.Helper()
	if model == nil {
		model = &fake{version: "1", answer: echo}
	}
	return startSource(t, &source{model: model}, opts)
}

// startSource is start with models of the test's own. What is wrong with them is
// left to the test.
func startSource(t *testing.T, src *source, opts Options) *running {
	t.Helper()
	r := &running{source: src, socket: filepath.Join(t.TempDir(), "s")}
	opts.Registry = registry.New(src)
	_ = opts.Registry.Reload()
	opts.Version = "test"
	if opts.Loops == 0 {
		opts.Loops = loops
	}
	var err error
	if r.Server, err = New(opts); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 2)
	for _, address := range []string{"127.0.0.1:0", "unix:" + r.socket} {
		ln, err := Listen(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if ln.Addr().Network() == "tcp" {
			r.addr = ln.Addr().String()
		}
		go func() { served <- r.Serve(ln) }()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown = %v", err)
		}
		for range 2 {
			if err := <-served; !errors.Is(err, ErrClosed) {
				t.Errorf("Serve = %v, want ErrClosed", err)
			}
		}
	})
	return r
}

// client gives an HTTP client that talks to the TCP listener, or the Unix one.
func (r *running) client(t *testing.T, unix bool) *http.Client {
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		if unix {
			return d.DialContext(ctx, "unix", r.socket)
		}
		return d.DialContext(ctx, "tcp", r.addr)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// do sends one request and reads the whole answer.
func (r *running) do(t *testing.T, c *http.Client, method, path, contentType string, body []byte) (int, http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.addr+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, resp.Header, answer
}

// post sends a prediction call.
func (r *running) post(t *testing.T, c *http.Client, f api.Format, k ipc.Kind, batch bool, body []byte) (int, []byte) {
	t.Helper()
	status, _, answer := r.do(t, c, http.MethodPost, api.PredictPath(k, batch), f.ContentType(), body)
	return status, answer
}

// rawCall is a call as it goes over the connection.
func rawCall(f api.Format, k ipc.Kind) []byte {
	body := f.AppendCall(nil, k, []ipc.Request{question(k, 1<<53+1)}, false)
	return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		api.PredictPath(k, false), f.ContentType(), len(body)), body...)
}
