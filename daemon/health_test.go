package daemon

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestHealth walks from no model at all to all of them to draining.
func TestHealth(t *testing.T) {
	s := &source{model: &fake{version: "1", answer: echo}, without: map[ipc.Kind]bool{
		ipc.Workload: true, ipc.Threat: true, ipc.Failure: true, ipc.Memory: true,
	}}
	r := startSource(t, s, Options{})
	c := r.client(t, false)
	check := func(what, status string, ready int, models map[string]string) {
		t.Helper()
		code, _, body := r.do(t, c, http.MethodGet, api.PathHealth, "", nil)
		m := tree(t, body)
		if code != 200 || m["status"] != status || m["service"] != "mld" || m["version"] != "test" {
			t.Errorf("%s: %d %s", what, code, body)
		}
		for kind, want := range models {
			if got := m["models"].(map[string]any)[kind].(map[string]any)["status"]; got != want {
				t.Errorf("%s: %s is %v, want %s", what, kind, got, want)
			}
		}
		if code, _, body := r.do(t, c, http.MethodGet, api.PathReady, "", nil); code != ready {
			t.Errorf("%s: /readyz %d %s, want %d", what, code, body, ready)
		}
		if code, _, _ := r.do(t, c, http.MethodGet, api.PathLive, "", nil); code != 200 {
			t.Errorf("%s: /livez %d", what, code)
		}
	}
	reload := func() { _ = r.registry.Reload() } // its errors are what /health shows

	check("no model", "degraded", 503, map[string]string{"workload": "unavailable", "memory": "unavailable"})
	status, body := r.post(t, c, api.JSON, ipc.Workload, false, []byte(originBodies[0].body))
	if status != 503 || !strings.Contains(api.ParseError(body), "no model for workload") {
		t.Errorf("call without a model: %d %s", status, body)
	}
	s.mu.Lock()
	s.without = map[ipc.Kind]bool{ipc.Threat: true}
	s.mu.Unlock()
	reload()
	check("three models", "degraded", 200, map[string]string{"workload": "healthy", "threat": "unavailable"})
	s.mu.Lock()
	s.without = nil
	s.mu.Unlock()
	reload()
	check("all", "healthy", 200, map[string]string{"workload": "healthy", "threat": "healthy"})
	s.set(&fake{version: "", answer: echo})
	reload()
	check("bad files", "degraded", 200, map[string]string{"workload": "degraded", "threat": "degraded"})
	if status, _ := r.post(t, c, api.JSON, ipc.Workload, false, []byte(originBodies[0].body)); status != 200 {
		t.Errorf("the old model does not serve on: %d", status)
	}
}
