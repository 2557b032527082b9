package httpapi

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

// fake is a Predictor that remembers what it was asked and answers what the test
// says.
type fake struct {
	mu       sync.Mutex
	asked    []ipc.Request
	opts     ipc.Options
	outcomes []ipc.Outcome
	calls    int

	answer func(ctx context.Context, q ipc.Request, r *ipc.Reply) // nil: answerByModel
	err    error                                                  // of the call as a whole
}

func (f *fake) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.asked = f.asked[:0]
	for _, q := range reqs {
		f.asked = append(f.asked, q.Copy())
	}
	f.opts = opts
	for i, q := range reqs {
		answer := f.answer
		if answer == nil {
			answer = answerByModel
		}
		answer(ctx, q, &replies[i])
	}
	return f.err
}

func (f *fake) Outcomes(_ context.Context, list []ipc.Outcome) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outcomes = append(f.outcomes, list...)
	return f.err
}

// answerByModel gives every kind an answer whose fields all differ from zero.
func answerByModel(_ context.Context, q ipc.Request, r *ipc.Reply) {
	*r = ipc.Reply{
		PredictionID: 1<<53 + 1, Source: ipc.SourceModel, Age: 1500 * time.Nanosecond, Model: q.Kind().String() + "@1",
		Prediction: ipc.Prediction{Kind: q.Kind()},
	}
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		r.Workload = ipc.WorkloadPrediction{CPU: q.CurrentCPU, Memory: q.CurrentMemory, GPU: q.CurrentGPU, Confidence: 0.75}
	case *ipc.ThreatRequest:
		r.Threat = ipc.ThreatPrediction{Score: 0.25, Type: ipc.ThreatWebShell, Confidence: 0.5, Action: ipc.ActionMonitor}
	case *ipc.FailureRequest:
		r.Failure = ipc.FailurePrediction{Probability: 0.5, PredictedTime: ipc.Some(q.TimeSinceLastFailure), Confidence: 0.5, Type: ipc.FailureIO}
	case *ipc.MemoryRequest:
		r.Memory = ipc.MemoryPrediction{
			NextAddress: q.CurrentAddress, Probability: 0.5, Confidence: 0.5, Type: ipc.AccessWrite,
			MoreLen: 1, More: [ipc.MaxMore]ipc.MemoryCandidate{{Address: q.CurrentAddress, Probability: 0.25}},
		}
	}
}

// refuseWith answers every question with a status.
func refuseWith(s ipc.Status, text string) func(context.Context, ipc.Request, *ipc.Reply) {
	return func(_ context.Context, _ ipc.Request, r *ipc.Reply) { *r = ipc.Reply{Status: s, Error: text} }
}

func healthy() Health {
	return Health{
		Version: "1.2.3", Live: true, Ready: true,
		Upstream: Upstream{Address: "http://127.0.0.1:9005", State: "up", Format: "msgpack"},
		Models:   map[ipc.Kind]string{ipc.Workload: "workload@1"},
		Drifted:  map[ipc.Kind][]string{ipc.Memory: {"page_step"}},
	}
}

// someStatus has something in every list and map.
func someStatus(since int64) status.Document {
	d := status.Document{
		Host: "node-7", Version: "1.2.3", Budget: int64(time.Millisecond), Fallbacks: map[string]uint64{"deadline": 1},
		Notices: []status.Notice{{Times: 2, Level: "warn", Text: "daemon does not answer"}}, Actions: []status.Action{{Path: "/drain", Name: "drain", Help: "end"}},
		ModelFiles: &status.ModelFiles{Folder: "models", Models: []status.ModelFile{
			{Kind: "workload", Model: "w@1", File: "w.onnx", Role: "share", Share: 0.1, Single: 900, Actions: []status.Action{{Path: "/models/stop?model=w%401", Name: "Stop", Help: "stop"}}},
		}},
		Samples: []status.Sample{{At: since + 1000, Answers: map[string]uint64{"model": 2}, Kinds: map[string]uint64{"workload": 2}, P50: 1}},
	}
	for _, k := range ipc.Kinds {
		d.Kinds = append(d.Kinds, status.Kind{Kind: k.String(), Answers: map[string]uint64{"model": 1}, Recent: map[string]uint64{"model": 1}})
	}
	return d
}

// site is a running API.
type site struct {
	*httptest.Server
	fake *fake
}

func newSite(t *testing.T, change func(*Config)) *site {
	t.Helper()
	f := new(fake)
	cfg := Config{
		Predictor: f, Health: healthy,
		Log: func(msg string, err error) { t.Errorf("logged: %s: %v", msg, err) },
	}
	if change != nil {
		change(&cfg)
	}
	s := &site{httptest.NewServer(New(cfg)), f}
	t.Cleanup(s.Close)
	return s
}

// answer is a response that was read.
type answer struct {
	code   int
	header http.Header
	body   string
}

// do sends a request; headers are "Name: value" lines, and several of a name are sent so.
func (s *site) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	given := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		given.Add(name, value)
	}
	maps.Copy(req.Header, given)
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, res.Header, strings.TrimSuffix(string(text), "\n")}
}

func (s *site) post(t *testing.T, path, body string, headers ...string) answer {
	t.Helper()
	return s.do(t, http.MethodPost, path, body, headers...)
}

// stopping calls stop before every call of a Predictor.
type stopping struct {
	ipc.Predictor
	stop func()
}

func (s *stopping) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	s.stop()
	return s.Predictor.Predict(ctx, reqs, replies, opts)
}
