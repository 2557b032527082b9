package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// strict is a Predictor that holds its caller to the contract, for the test of the moment.
type strict struct{ t *testing.T }

func (s *strict) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	if len(reqs) == 0 || len(reqs) != len(replies) || opts.Budget <= 0 || opts.Budget > time.Minute || opts.Trace != (ipc.Trace{}) && !opts.Trace.Valid() {
		s.t.Errorf("%d questions, %d replies, %+v", len(reqs), len(replies), opts)
	}
	for i, q := range reqs {
		if err := q.Validate(); err != nil {
			s.t.Errorf("a question was let through: %v", err)
		}
		answerByModel(ctx, q, &replies[i])
	}
	return nil
}

func (s *strict) Outcomes(_ context.Context, list []ipc.Outcome) error {
	for i := range list {
		if err := list[i].Actual.Validate(); err != nil || list[i].Ago < 0 {
			s.t.Errorf("an outcome was let through: %+v, %v", list[i], err)
		}
	}
	return nil
}

// FuzzHandler: whatever path, query, headers and body say, what answers is JSON with a
// status that fits, nothing panics, and who is asked gets what it may be asked.
func FuzzHandler(f *testing.F) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, k := range ipc.Kinds {
		f.Add(path(k), "require=model&class=high&u64=string", "localhost:9006", "1000000", parent, "application/json", questions[k])
		f.Add(path(k)+"/batch", "", "[::1]", "", "", "application/json; charset=utf-8", `{"requests":[`+questions[k]+`,{}]}`)
	}
	f.Add("/api/ml/predict/batch", "class=low", "127.0.0.1", "60000000000", "", "application/json", `{"requests":[{"kind":"memory",`+memoryQ[1:]+`]}`)
	f.Add("/api/ml/outcome", "", "LOCALHOST", "", "", "application/json", `{"prediction_id":5,"kind":"threat","agent_id":7,"observed_ago_ns":0,"actual":{"threat_score":0,"threat_type":0}}`)
	f.Add("/api/ml/predict/weather", "a=%zz", "evil.example", "-1", parent[1:], "text/plain", "{}")
	s := new(strict)
	h := New(Config{Predictor: s, Health: healthy, Log: func(msg string, err error) { s.t.Errorf("logged: %s: %v", msg, err) }})
	f.Fuzz(func(t *testing.T, path, query, host, budget, trace, content, body string) {
		s.t = t
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: path, RawQuery: query}, Host: host, Header: make(http.Header),
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		}
		for name, value := range map[string]string{budgetHeader: budget, "Traceparent": trace, "Content-Type": content} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		switch {
		case w.Code >= 300 && w.Code < 400: // ServeMux cleans the path
		case !json.Valid(w.Body.Bytes()):
			t.Fatalf("%d with %q", w.Code, w.Body)
		case w.Code >= 500:
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
	})
}
