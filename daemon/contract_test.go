package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// originBodies are calls as clients of the original system write them, with the
// answers of the echo model; latency_ms is checked apart.
var originBodies = []struct {
	path string
	body string
	want string
}{
	{
		"/api/ml/predict/workload",
		`{"agentId":"agent-42","historicalCpu":[0.25,0.5],"historicalMemory":[1048576,2097152],"historicalGpu":[],` +
			`"timeOfDay":0,"dayOfWeek":0,"currentCpu":0.5,"currentMemory":2097152}`,
		`{"success":true,"prediction":{"predictedCpu":0.5,"predictedMemory":2097152,"predictedGpu":null,"confidence":1},"model":"fake@1"}`,
	},
	{
		"/api/ml/predict/threat",
		`{"agentId":"agent-42","metrics":{"operationCount":10,"syscallCount":20,"memoryUsage":4096,"networkActivity":0},` +
			`"anomalies":[{"anomalyType":1,"severity":0.5,"timestamp":1700000000000}],"historicalThreats":[0.125],"timeSinceLastThreat":-1}`,
		`{"success":true,"prediction":{"threatScore":0.5,"threatType":5,"confidence":1,"recommendedAction":1},"model":"fake@1"}`,
	},
	{
		"/api/ml/predict/failure",
		`{"component":"memory","healthScore":0.25,"currentValue":0.0,"baseline":0.5,"trend":-2,"historicalHealth":[0.5,0.25],` +
			`"failureHistory":[0,1],"timeSinceLastFailure":60000}`,
		`{"success":true,"prediction":{"failureProbability":0.25,"predictedTime":1,"confidence":1,"failureType":0},"model":"fake@1"}`,
	},
	{
		"/api/ml/predict/memory",
		`{"agentId":"agent-42","accessHistory":[0.25,0.5],"accessTypes":[0,1],"accessTimestamps":[1,2],"currentAddress":0.5,` +
			`"localityScore":0.75,"addressForm":"normalised32"}`,
		`{"success":true,"prediction":{"nextAddress":0.5,"accessProbability":1,"accessType":0,"confidence":1,` +
			`"more":[{"address":0.5,"probability":0}],"addressForm":"normalised32"},"model":"fake@1"}`,
	},
	{
		"/api/ml/predict/workload/batch",
		`{"features":[{"agentId":"agent-1","timeOfDay":23,"dayOfWeek":6,"currentCpu":0,"currentMemory":0},{"currentCpu":1},` +
			`{"agentId":3,"timeOfDay":24,"dayOfWeek":6,"currentCpu":0,"currentMemory":0}]}`,
		`{"success":true,"predictions":[{"predictedCpu":0,"predictedMemory":0,"predictedGpu":null,"confidence":1},` +
			`{"error":"agentId: missing","status":"invalid argument"},` +
			`{"error":"timeOfDay: 24 is outside 0-23","status":"invalid argument"}],"count":3,"model":"fake@1"}`,
	},
}

func TestOriginClients(t *testing.T) {
	r := start(t, nil, Options{})
	c := r.client(t, false)
	for _, b := range originBodies {
		status, header, body := r.do(t, c, http.MethodPost, b.path, "application/json; charset=utf-8", []byte(b.body))
		if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v %s", b.path, status, header, body)
			continue
		}
		got, want := tree(t, body), tree(t, []byte(b.want))
		if ms, ok := got["latency_ms"].(float64); !ok || ms <= 0 {
			t.Errorf("%s: latency_ms is %v", b.path, got["latency_ms"])
		}
		delete(got, "latency_ms")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", b.path, diff)
		}
		if header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: an answer for every origin", b.path)
		}
	}
}

func tree(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return m
}

// TestRefusals is the matrix of wrong requests: each gets its status, a JSON error
// that says why, and harms nobody: the connection's next request is answered.
func TestRefusals(t *testing.T) {
	r := start(t, nil, Options{})
	const workload = "/api/ml/predict/workload"
	good := originBodies[0].body
	c := r.client(t, false)
	for _, x := range []struct {
		method, path, contentType, body string
		status                          int
		want                            string
	}{
		{"POST", workload, "", good, 415, "want Content-Type application/json"},
		{"POST", workload, "text/plain", good, 415, "want Content-Type"},
		{"POST", workload, "application/x-www-form-urlencoded", "a=1", 415, "want Content-Type"},
		{"POST", workload, "multipart/form-data; boundary=x", "--x--", 415, "want Content-Type"},
		{"POST", workload, "application/json", "", 400, "empty body"},
		{"POST", workload, "application/json", "{", 400, "position 1"},
		{"POST", workload, "application/json", "{}", 400, "agentId: missing"},
		{"POST", workload, "application/json", "\xff\xfe", 400, "position 0"},
		{"POST", workload, "application/json", strings.Repeat("[", 100_000), 400, "nested deeper"},
		{"POST", workload, "application/msgpack", good, 400, "want an array"},
		{"POST", workload, "application/msgpack", "\x90", 400, "at least 9"},
		{"POST", workload, "application/msgpack", "\x99", 400, "announced"},
		{"POST", workload, "application/msgpack", strings.Repeat("\x91", 100_000), 400, ""},
		{"POST", workload + "/batch", "application/json", `{"features":[]}`, 400, "empty batch"},
		{"POST", workload + "/batch", "application/msgpack", "\x90", 400, "empty batch"},
		{"POST", workload + "/batch", "application/msgpack", "\xdd\xff\xff\xff\xff", 400, "announced"},
		{"POST", workload + "/batch", "application/msgpack", "\xdc\x01\x01" + strings.Repeat("\xc0", 257), 400, "at most 256"},
		{"GET", workload, "", "", 405, "want POST"},
		{"PUT", workload, "application/json", good, 405, "want POST"},
		{"HEAD", workload, "", "", 405, ""},
		{"OPTIONS", workload, "", "", 405, "want POST"},
		{"POST", "/health", "application/json", "{}", 405, "want GET, HEAD"},
		{"DELETE", "/api/ml/metrics", "", "", 405, "want GET, HEAD"},
		{"GET", "/", "", "", 404, "no such route"},
		{"POST", "/api/ml/predict/weather", "application/json", good, 404, "no such route"},
		{"POST", workload + "/", "application/json", good, 404, "no such route"},
		{"GET", "/api/ml/metrics/weather", "", "", 404, "no such route"},
	} {
		status, header, body := r.do(t, c, x.method, x.path, x.contentType, []byte(x.body))
		if status != x.status {
			t.Errorf("%s %s %q %.40q: %d, want %d", x.method, x.path, x.contentType, x.body, status, x.status)
		}
		if x.method != "HEAD" {
			if m := tree(t, body); m["success"] != false || !strings.Contains(api.ParseError(body), x.want) {
				t.Errorf("%s %s %.40q: %s, want %q", x.method, x.path, x.body, body, x.want)
			}
		}
		if allow := header.Get("Allow"); (x.status == 405) != (allow != "") {
			t.Errorf("%s %s: Allow %q", x.method, x.path, allow)
		}
		if status, body := r.post(t, c, api.JSON, ipc.Workload, false, []byte(good)); status != 200 {
			t.Fatalf("after %s %s: %d %s", x.method, x.path, status, body)
		}
	}
}

// TestModelTrouble: a kind without a model, a model that fails, one that says
// impossible things and one that panics.
func TestModelTrouble(t *testing.T) {
	var panics []any
	opts := Options{OnPanic: func(v any, _ []byte) { panics = append(panics, v) }}
	mode := ""
	r := start(t, &fake{version: "1", answer: func(q ipc.Request, p *ipc.Prediction) error {
		w, _ := q.(*ipc.WorkloadRequest)
		if w == nil || w.AgentID != 13 {
			return echo(q, p)
		}
		switch mode {
		case "fails":
			return http.ErrBodyNotAllowed
		case "panics":
			panic("broken model")
		}
		p.Workload.CPU = 2
		return nil
	}}, opts)
	c := r.client(t, true)
	bad := api.Msgpack.AppendCall(nil, ipc.Workload, []ipc.Request{question(ipc.Workload, 13)}, false)
	for _, x := range []struct {
		mode string
		want string
	}{{"fails", "model fake@1: "}, {"impossible", "predicted_cpu: 2"}, {"panics", "internal error"}} {
		mode = x.mode
		status, body := r.post(t, c, api.Msgpack, ipc.Workload, false, bad)
		if status != 500 || !strings.Contains(api.ParseError(body), x.want) {
			t.Errorf("%s: %d %s", x.mode, status, body)
		}
	}
	if len(panics) != 1 || panics[0] != "broken model" {
		t.Errorf("panics reported: %v", panics)
	}
	mode = "impossible"
	mixed := []ipc.Request{question(ipc.Workload, 1), question(ipc.Workload, 13), question(ipc.Workload, 2)}
	_, body := r.post(t, c, api.JSON, ipc.Workload, true, api.JSON.AppendCall(nil, ipc.Workload, mixed, true))
	var a api.Answer
	if err := api.JSON.ParseAnswer(body, ipc.Workload, true, 3, &a); err != nil {
		t.Fatal(err)
	}
	for i, want := range []ipc.Status{ipc.StatusOK, ipc.StatusInternal, ipc.StatusOK} {
		if a.Slots[i].Status != want {
			t.Errorf("slot %d: %v, want %v", i, a.Slots[i].Status, want)
		}
	}
}

// TestContentEncoding: a compressed body is refused as what it is, not as bad JSON.
func TestContentEncoding(t *testing.T) {
	r := start(t, nil, Options{})
	for encoding, want := range map[string]int{"": 200, "identity": 200, "Identity": 200, "gzip": 415, "br": 415, "gzip, identity": 415} {
		c := r.dial(t)
		body := originBodies[0].body
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s",
			originBodies[0].path, encoding, len(body), body)
		if status, answer := readAnswer(t, c); status != want {
			t.Errorf("Content-Encoding %q: %d %s, want %d", encoding, status, answer, want)
		}
		c.Close()
	}
}
