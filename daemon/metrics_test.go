package daemon

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// counted waits until so many calls were: each is when its answer has been written, which
// its reader may have seen before.
func (r *running) counted(t *testing.T, want uint64) {
	t.Helper()
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		got := uint64(0)
		r.counts.each(func(_, _ string, n uint64) { got += n })
		if got >= want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d calls were counted, want %d", got, want)
		}
	}
}

// TestMetrics counts known calls and reads the counts in all three forms.
func TestMetrics(t *testing.T) {
	r := start(t, nil, Options{})
	c := r.client(t, false)
	json := func(path, body string, want int) {
		t.Helper()
		if status, _, answer := r.do(t, c, "POST", path, "application/json", []byte(body)); status != want {
			t.Fatalf("%s: %d %s", path, status, answer)
		}
	}
	one := originBodies[0]
	json(one.path, one.body, 200)
	json(one.path, strings.Replace(one.body, "{", `{"zzz":1,`, 1), 200)
	json(originBodies[4].path, originBodies[4].body, 200) // one of three slots is good
	json(one.path, "{", 400)

	r.counted(t, 4)
	m := r.Metrics(ipc.Workload)
	if m.Calls != 4 || m.Predictions != 3 || m.Errors != 3 || m.ErrorRate != 0.5 || m.Model != "fake@1" {
		t.Errorf("%+v, want 4 calls, 3 predictions, 3 errors", m)
	}
	if !(m.P50Ms > 0 && m.P50Ms <= m.P90Ms && m.P90Ms <= m.P99Ms && m.P99Ms <= m.P999Ms && m.P999Ms <= m.MaxMs) {
		t.Errorf("percentiles out of order: %+v", m)
	}
	if other := r.Metrics(ipc.Memory); other.Calls != 0 || other.P50Ms != 0 {
		t.Errorf("memory: %+v", other)
	}
	status, _, body := r.do(t, c, "GET", api.PathMetricsJSON+"/workload", "", nil)
	if got := tree(t, body)["metrics"].(map[string]any)["predictions"]; status != 200 || got != 3.0 {
		t.Errorf("%d %s", status, body)
	}
	_, _, body = r.do(t, c, "GET", api.PathMetricsJSON, "", nil)
	if got := len(tree(t, body)["metrics"].(map[string]any)); got != 4 {
		t.Errorf("%s", body)
	}

	_, header, body := r.do(t, c, "GET", api.PathPrometheus, "", nil)
	if !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		t.Errorf("Content-Type %q", header.Get("Content-Type"))
	}
	for _, line := range []string{
		`mld_predictions_total{kind="workload",result="ok"} 3`,
		`mld_predictions_total{kind="workload",result="error"} 3`,
		`mld_call_duration_seconds_count{kind="workload"} 3`,
		`mld_call_duration_seconds_bucket{kind="workload",le="+Inf"} 3`,
		`mld_model_info{kind="threat",model="fake@1"} 1`,
		`mld_model_problem{kind="threat"} 0`,
		`mld_http_requests_total{route="/api/ml/predict/workload",status="2xx"} 2`,
		`mld_http_requests_total{route="/api/ml/predict/workload",status="4xx"} 1`,
		`mld_http_unknown_fields_total 1`,
		`mld_registry_generation 1`,
		`mld_panics_total 0`,
	} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}

	if status, _, _ := r.do(t, c, "POST", api.PathMetricsReset, "", nil); status != 200 {
		t.Error(status)
	}
	if m := r.Metrics(ipc.Workload); m.Calls != 0 || m.Predictions != 0 || m.Errors != 0 || m.MaxMs != 0 {
		t.Errorf("after the reset: %+v", m)
	}
}

// TestLabelsAreBounded: paths, methods and hosts of the peer's invention add at most
// one time series.
func TestLabelsAreBounded(t *testing.T) {
	r := start(t, nil, Options{})
	c := r.client(t, true)
	for i := range 50 {
		r.do(t, c, http.MethodGet, fmt.Sprintf("/invented/%d?x=%d", i, i), "", nil)
		r.do(t, c, fmt.Sprintf("METHOD%c", 'A'+i%26), "/invented", "", nil)
	}
	r.counted(t, 100)
	series := 0
	r.counts.each(func(route, class string, n uint64) {
		series++
		if route != "other" || class != "4xx" || n != 100 {
			t.Errorf("%s %s %d", route, class, n)
		}
	})
	if series != 1 {
		t.Errorf("%d series, want 1", series)
	}
}

// TestCacheRoutes: the origin's cache routes answer, and say that there is none.
func TestCacheRoutes(t *testing.T) {
	r := start(t, nil, Options{})
	c := r.client(t, false)
	_, _, body := r.do(t, c, "GET", api.PathCacheStats, "", nil)
	want := map[string]any{"success": true, "stats": map[string]any{
		"enabled": false, "size": 0.0, "maxSize": 0.0, "hits": 0.0, "misses": 0.0, "hitRate": 0.0,
	}}
	if diff := cmp.Diff(want, tree(t, body)); diff != "" {
		t.Error(diff)
	}
	status, _, body := r.do(t, c, "POST", api.PathCacheClear, "", nil)
	if status != 200 || tree(t, body)["cleared"] != 0.0 {
		t.Errorf("%d %s", status, body)
	}
	status, header, body := r.do(t, c, "HEAD", api.PathHealth, "", nil)
	if status != 200 || len(body) != 0 || header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d %v %q", status, header, body)
	}
}
