package chaos

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// lie is something that an upstream does instead of answering. body is the true answer.
type lie func(w http.ResponseWriter, r *http.Request, k ipc.Kind, body []byte)

// liar speaks mld's contract, with mld's models, and lies when it is told to. Without a
// lie it tells the truth, so that the bridge has something to recover to.
type liar struct {
	server  *http.Server
	lie     atomic.Pointer[lie]
	told    atomic.Uint64 // lies
	engines [len(ipc.Kinds)]engine
	free    chan struct{} // closed to let those go who hang
}

type engine struct {
	mu   sync.Mutex
	host *daemon.Hosted
}

func newLiar(path string) (*liar, error) {
	reg := registry.New(registry.Embedded())
	if err := reg.Reload(); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	l := &liar{free: make(chan struct{})}
	for i, k := range ipc.Kinds {
		l.engines[i].host = daemon.NewHosted(k, reg)
	}
	l.server = &http.Server{Handler: http.HandlerFunc(l.serve)}
	go func() { _ = l.server.Serve(ln) }() // ends with close
	return l, nil
}

func (l *liar) close() {
	close(l.free)
	_ = l.server.Close()
}

// tell makes it tell a lie from now on; nil is the truth.
func (l *liar) tell(f lie) {
	if f == nil {
		l.lie.Store(nil)
		return
	}
	l.lie.Store(&f)
}

func (l *liar) serve(w http.ResponseWriter, r *http.Request) {
	kind, err := ipc.ParseKind(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/ml/predict/"), "/batch"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	question, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	body, err := l.answer(kind, question)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", api.Msgpack.ContentType())
	if f := l.lie.Load(); f != nil {
		l.told.Add(1)
		(*f)(w, r, kind, body)
		return
	}
	_, _ = w.Write(body) // a bridge that has hung up has its reasons
}

func (l *liar) answer(k ipc.Kind, question []byte) ([]byte, error) {
	e := &l.engines[k-1]
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := e.host.Answer(question)
	return bytes.Clone(body), err
}

// changed gives the true answer with every slot changed.
func changed(k ipc.Kind, body []byte, change func(p *ipc.Prediction)) []byte {
	var a api.Answer
	for n := 1; n <= api.MaxBatch; n++ { // the number of slots is not known here
		if api.Msgpack.ParseAnswer(body, k, true, n, &a) == nil {
			break
		}
	}
	for i := range a.Slots {
		change(&a.Slots[i].Prediction)
	}
	return api.Msgpack.AppendAnswer(nil, &a, true)
}

// float changes the value that a prediction is about, and its confidence.
func float(p *ipc.Prediction, v float32) {
	switch p.Kind {
	case ipc.Workload:
		p.Workload.CPU, p.Workload.Confidence = v, v
	case ipc.Threat:
		p.Threat.Score, p.Threat.Confidence = v, v
	case ipc.Failure:
		p.Failure.Probability, p.Failure.Confidence = v, v
	case ipc.Memory:
		p.Memory.Probability, p.Memory.Confidence = v, v
	}
}

func status(code int) lie {
	return func(w http.ResponseWriter, _ *http.Request, _ ipc.Kind, _ []byte) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, http.StatusText(code), code)
	}
}

func write(change func(k ipc.Kind, body []byte) []byte) lie {
	return func(w http.ResponseWriter, _ *http.Request, k ipc.Kind, body []byte) { _, _ = w.Write(change(k, body)) }
}

// raw writes bytes behind the library's back and hangs up, or goes on.
func raw(hangUp bool, text func(body []byte) string) lie {
	return func(w http.ResponseWriter, _ *http.Request, _ ipc.Kind, body []byte) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, text(body))
		if hangUp {
			_ = conn.Close()
			return
		}
		// The next request on the connection is answered likewise, if at all.
		go func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			buf := make([]byte, 64<<10)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
				if _, err := io.WriteString(conn, text(body)); err != nil {
					return
				}
			}
		}()
	}
}

const responseHead = "HTTP/1.1 200 OK\r\nContent-Type: application/msgpack\r\n"

func response(body []byte) string {
	return fmt.Sprintf(responseHead+"Content-Length: %d\r\n\r\n%s", len(body), body)
}

// lies are by name what the upstream can do to the bridge.
func (l *liar) lies() map[string]lie {
	hang := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-l.free:
		}
	}
	return map[string]lie{
		"slow": func(w http.ResponseWriter, _ *http.Request, _ ipc.Kind, body []byte) {
			hang(50 * time.Millisecond)
			_, _ = w.Write(body)
		},
		"hangs mid-body": func(w http.ResponseWriter, r *http.Request, _ ipc.Kind, body []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:len(body)/2])
			_ = http.NewResponseController(w).Flush()
			select { // until the bridge gives up
			case <-r.Context().Done():
			case <-l.free:
			}
		},
		"cuts mid-body":    raw(true, func(body []byte) string { s := response(body); return s[:len(s)-len(body)/2] }),
		"cuts mid-header":  raw(true, func([]byte) string { return responseHead[:20] }),
		"hangs up at once": raw(true, func([]byte) string { return "" }),
		"answers 500":      status(http.StatusInternalServerError),
		"answers 429":      status(http.StatusTooManyRequests),
		"answers 503":      status(http.StatusServiceUnavailable),
		"garbage for HTTP": raw(true, func([]byte) string { b := make([]byte, 512); _, _ = rand.Read(b); return string(b) }),
		"garbage for body": write(func(_ ipc.Kind, body []byte) []byte { _, _ = rand.Read(body); return body }),
		"another type": func(w http.ResponseWriter, _ *http.Request, _ ipc.Kind, body []byte) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write(body)
		},
		"cut body, whole to HTTP": write(func(_ ipc.Kind, body []byte) []byte { return body[:len(body)-1] }),
		"one answer too many":     write(func(k ipc.Kind, body []byte) []byte { return resized(k, body, 1) }),
		"one answer too few":      write(func(k ipc.Kind, body []byte) []byte { return resized(k, body, -1) }),
		"another kind's answers": func(w http.ResponseWriter, _ *http.Request, k ipc.Kind, body []byte) {
			_, _ = w.Write(changed(k, body, func(p *ipc.Prediction) { *p = mistaken[k] }))
		},
		// HTTP has no ids: the one way to take an answer for another's is one too many.
		"a second response": raw(false, func(body []byte) string { return response(body) + response(body) }),
		"NaN": write(func(k ipc.Kind, body []byte) []byte {
			return changed(k, body, func(p *ipc.Prediction) { float(p, float32(math.NaN())) })
		}),
		"infinity": write(func(k ipc.Kind, body []byte) []byte {
			return changed(k, body, func(p *ipc.Prediction) { float(p, float32(math.Inf(1))) })
		}),
		"outside their range": write(func(k ipc.Kind, body []byte) []byte {
			return changed(k, body, func(p *ipc.Prediction) { float(p, -0.5) })
		}),
		"a terabyte announced": raw(false, func(body []byte) string { return responseHead + "Content-Length: 1099511627776\r\n\r\n" + string(body) }),
		"an endless header":    raw(false, func([]byte) string { return responseHead + "X-Filler: " + strings.Repeat("x", 1<<20) }),
		"an endless body": func(w http.ResponseWriter, r *http.Request, _ ipc.Kind, _ []byte) {
			for filler := make([]byte, 64<<10); r.Context().Err() == nil; {
				if _, err := w.Write(filler); err != nil {
					return
				}
			}
		},
		"a byte at a time": func(w http.ResponseWriter, r *http.Request, _ ipc.Kind, body []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			for i := range body {
				if _, err := w.Write(body[i : i+1]); err != nil {
					return
				}
				if errors.Is(http.NewResponseController(w).Flush(), net.ErrClosed) {
					return
				}
				time.Sleep(100 * time.Microsecond)
			}
		},
	}
}

// mistaken are by kind answers of another kind. The contract does not name the kind in
// an answer; types and ranges must tell. (A lie that is a likely answer cannot be told.)
var mistaken = map[ipc.Kind]ipc.Prediction{
	ipc.Workload: {Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: 1 << 40, Probability: 0.5, Confidence: 0.5}},
	ipc.Threat:   {Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 0.5, PredictedTime: ipc.Some[uint64](6e10), Confidence: 0.5}},
	ipc.Failure:  {Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.5, Memory: 1 << 30, Confidence: 0.5}},
	ipc.Memory:   {Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: 0.5, Confidence: 0.5}},
}

// resized gives the true answer with more or fewer slots.
func resized(k ipc.Kind, body []byte, by int) []byte {
	var a api.Answer
	for n := 1; n <= api.MaxBatch; n++ {
		if api.Msgpack.ParseAnswer(body, k, true, n, &a) == nil {
			break
		}
	}
	if by > 0 {
		a.Slots = append(a.Slots, a.Slots[0])
	} else {
		a.Slots = a.Slots[:len(a.Slots)-1]
	}
	return api.Msgpack.AppendAnswer(nil, &a, true)
}
