package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestBadBodies(t *testing.T) {
	s := newSite(t, nil)
	for _, c := range []struct{ path, body, want string }{
		{path(ipc.Workload), ``, "not JSON"},
		{path(ipc.Workload), `{"agent_id":1`, "not JSON"},
		{path(ipc.Workload), workloadQ + workloadQ, "after the end of the document"},
		{path(ipc.Workload), `{"currentCpu":1}`, "currentCpu: unknown field, did you mean current_cpu?"},
		{path(ipc.Workload), `{"agent_id":1,"agent_id":1}`, "agent_id: given twice"},
		{path(ipc.Workload), `{"agent_id":1.5}`, "agent_id: 1.5 is not an integer"},
		{path(ipc.Workload), `{}`, "agent_id: missing"},
		{path(ipc.Workload), `{"current_cpu":1e99}`, "does not fit a 32-bit float"},
		{path(ipc.Workload), strings.Repeat("[", 1<<20), "want an object"},
		{path(ipc.Memory) + "/batch", `{"requests":[]}`, "requests: empty, want 1-256 questions"},
		{path(ipc.Memory) + "/batch", `{"requests":[` + strings.Repeat("{},", 256) + `{}]}`, "requests: more than 256 elements"},
		{path(ipc.Memory) + "/batch", `[]`, "want an object, got an array"},
		{path(ipc.Memory) + "/batch", `{"requests":[` + strings.Repeat("[", 1<<20), "nested deeper than 8 levels"},
		{"/api/ml/predict/batch", memoryQ, "agent_id: unknown field"},
		{"/api/ml/outcome", `{}`, "kind: missing, want"},
		{"/api/ml/outcome", `{"outcomes":[]}`, "outcomes: empty"},
	} {
		got := s.post(t, c.path, c.body)
		if got.code != 400 || !strings.Contains(got.body, c.want) {
			t.Errorf("POST %s %.60s = %d %s, want 400 %s", c.path, c.body, got.code, got.body, c.want)
		}
	}
	if s.fake.calls != 0 {
		t.Errorf("the predictor was asked %d times", s.fake.calls)
	}
	full := `{"requests":[` + strings.Repeat(memoryQ+",", 255) + memoryQ + `]}`
	if got := s.post(t, path(ipc.Memory)+"/batch", full); got.code != 200 || len(s.fake.asked) != 256 {
		t.Errorf("256 slots: %d, %d asked", got.code, len(s.fake.asked))
	}
}

// endless is a body of any length that notes how much of it was read.
type endless struct {
	left int64
	read atomic.Int64 // the client may still read when the answer is there
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	e.left -= n
	e.read.Add(n)
	return int(n), nil
}

// A body of 100 MB is refused with 413 and neither read nor kept, whether its
// length was announced or not.
func TestHugeBody(t *testing.T) {
	const huge = 100 << 20
	s := newSite(t, nil)
	for _, announced := range []bool{true, false} {
		body := &endless{left: huge}
		req, err := http.NewRequest(http.MethodPost, s.URL+path(ipc.Workload), body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if announced {
			req.ContentLength = huge
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res, err := s.Client().Do(req)
		runtime.ReadMemStats(&after)
		// The server closes while the client still writes: a client sees the answer
		// or the broken connection, and either way the server read little.
		if err == nil {
			if res.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("announced %t: %d, want 413", announced, res.StatusCode)
			}
			res.Body.Close()
		}
		if sent := body.read.Load(); sent > 16<<20 {
			t.Errorf("announced %t: %d MiB were sent before the refusal", announced, sent>>20)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
			t.Errorf("announced %t: %d MiB were allocated for it", announced, grown>>20)
		}
	}
	if got := s.post(t, path(ipc.Workload), workloadQ); got.code != 200 {
		t.Errorf("afterwards: %d %s", got.code, got.body)
	}
}

// The refusal is written before the body is read: a raw peer that sends only the
// header gets it.
func TestAnnouncedLengthIsEnough(t *testing.T) {
	s := newSite(t, nil)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path(ipc.Workload), 100<<20)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 413 {
		t.Fatalf("got %v, %v, want 413", res, err)
	}
	res.Body.Close()
}

// Large bodies share a fixed amount of memory; small ones always get through.
func TestLargeBodiesShareMemory(t *testing.T) {
	const large = 100 << 10
	// The first request stops in the predictor and holds all there is.
	entered, leave := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	s := newSite(t, func(c *Config) {
		c.Limits.Bodies = large
		c.Predictor = &stopping{Predictor: c.Predictor, stop: func() {
			if first.CompareAndSwap(false, true) {
				close(entered)
				<-leave
			}
		}}
	})
	padded := memoryQ + strings.Repeat(" ", large-len(memoryQ))
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := s.post(t, path(ipc.Memory), padded); got.code != 200 {
			t.Errorf("first large: %d %s", got.code, got.body)
		}
	})
	<-entered
	if got := s.post(t, path(ipc.Memory), padded); got.code != 429 {
		t.Errorf("second large meanwhile: %d %s, want 429", got.code, got.body)
	}
	if got := s.post(t, path(ipc.Memory), memoryQ); got.code != 200 {
		t.Errorf("small meanwhile: %d %s", got.code, got.body)
	}
	close(leave)
	wg.Wait()
	if got := s.post(t, path(ipc.Memory), padded); got.code != 200 {
		t.Errorf("large afterwards: %d %s", got.code, got.body)
	}
}
