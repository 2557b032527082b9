package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

func TestMethodsAndPaths(t *testing.T) {
	s := newSite(t, nil)
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
		text         string
	}{
		{"GET", "/api/ml/predict/workload", 405, "POST", "method GET is not allowed here, only POST"},
		{"PUT", "/api/ml/predict/workload/batch", 405, "POST", "only POST"},
		{"DELETE", "/api/ml/outcome", 405, "POST", "only POST"},
		{"OPTIONS", "/api/ml/predict/batch", 405, "POST", "only POST"},
		{"POST", "/health", 405, "GET, HEAD", "only GET, HEAD"},
		{"POST", "/", 405, "GET, HEAD", "only GET, HEAD"},
		{"GET", "/api/ml/status", 404, "", "status is off"},
		{"POST", "/api/ml/status", 405, "GET, HEAD", "only GET, HEAD"},
		{"POST", "/api/ml/predict/weather", 404, "", `no prediction \"weather\", want workload, threat, failure, memory or batch`},
		{"POST", "/api/ml/predict/weather/batch", 404, "", `no prediction \"weather\"`},
		{"POST", "/api/ml/predict/workload/", 404, "", `no such path \"/api/ml/predict/workload/\", want /api/ml/predict/workload or /api/ml/predict/workload/batch`},
		{"POST", "/api/ml/predict/memory/bacth", 404, "", "want /api/ml/predict/memory or /api/ml/predict/memory/batch"},
		{"POST", "/api/ml/predict/batch/", 404, "", `no prediction`},
		{"GET", "/nothing", 404, "", `no such path \"/nothing\", see /openapi.json`},
		{"GET", "/api/ml/metrics", 404, "", "no such path"},
		{"GET", "/" + strings.Repeat("x", 62) + "%C3%A9x", 404, "", `no such path \"/` + strings.Repeat("x", 62) + `…\", see /openapi.json`},
	} {
		got := s.do(t, c.method, c.path, "")
		if got.code != c.code || got.header.Get("Allow") != c.allow || !strings.Contains(got.body, c.text) {
			t.Errorf("%s %s = %d, Allow %q, %s; want %d, %q, %s", c.method, c.path, got.code, got.header.Get("Allow"), got.body, c.code, c.allow, c.text)
		}
		if !strings.HasPrefix(got.body, `{"success":false,"error":`) {
			t.Errorf("%s %s: %s is not the error document", c.method, c.path, got.body)
		}
	}
	if got := s.do(t, "HEAD", "/health", ""); got.code != 200 || got.body != "" {
		t.Errorf("HEAD /health = %d %q", got.code, got.body)
	}
}

func TestMediaTypes(t *testing.T) {
	s := newSite(t, nil)
	for value, code := range map[string]int{
		"application/json":                  200,
		"Application/JSON; charset=UTF-8":   200,
		"application/json; charset=latin1":  415,
		"application/json;charset":          415,
		"application/x-www-form-urlencoded": 415,
		"text/plain":                        415,
		"application/msgpack":               415,
		"application/jsonx":                 415,
		"":                                  415,
	} {
		if got := s.post(t, path(ipc.Workload), workloadQ, "Content-Type: "+value); got.code != code {
			t.Errorf("content type %q: %d %s, want %d", value, got.code, got.body, code)
		}
	}
	if got := s.post(t, path(ipc.Workload), workloadQ, "Content-Encoding: gzip"); got.code != 415 {
		t.Errorf("gzip: %d %s, want 415", got.code, got.body)
	}
}

// A header that is given twice has no one value, and is not what is wrong with the first.
func TestHeadersGivenTwice(t *testing.T) {
	s := newSite(t, nil)
	for _, c := range []struct {
		headers []string
		code    int
		says    string
	}{
		{[]string{"X-ML-Budget-Ns: 1000000", "X-ML-Budget-Ns: 1000000"}, 400, "X-ML-Budget-Ns is given 2 times"},
		{[]string{"Content-Type: application/json", "Content-Type: text/plain"}, 415, "content type given 2 times, want application/json"},
		{[]string{"Content-Encoding: identity", "Content-Encoding: gzip"}, 415, `content encoding \"identity, gzip\", want none`},
		{[]string{"Content-Encoding: "}, 200, "true"},
	} {
		got := s.post(t, path(ipc.Workload), workloadQ, c.headers...)
		if got.code != c.code || !strings.Contains(got.body, c.says) {
			t.Errorf("%q: %d %s, want %d and %q", c.headers, got.code, got.body, c.code, c.says)
		}
	}
}

// What a page in a browser could send is refused, what a program sends is not.
func TestBrowsersOfOtherSites(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Origins = []string{"https://console.example"} })
	for _, c := range []struct {
		headers []string
		code    int
	}{
		{nil, 200},
		{[]string{"Origin: " + s.URL}, 200},
		{[]string{"Origin: https://console.example"}, 200},
		{[]string{"Sec-Fetch-Site: same-origin"}, 200},
		{[]string{"Origin: https://evil.example"}, 403},
		{[]string{"Origin: null"}, 403},
		{[]string{"Sec-Fetch-Site: cross-site"}, 403},
		{[]string{"Sec-Fetch-Site: same-site"}, 403},
		{[]string{"Origin: http://127.0.0.1:1"}, 403}, // another port is another site
	} {
		got := s.post(t, path(ipc.Workload), workloadQ, c.headers...)
		if got.code != c.code {
			t.Errorf("%v: %d %s, want %d", c.headers, got.code, got.body, c.code)
		}
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%v: answered with %s", c.headers, name)
			}
		}
	}
	if s.fake.calls != 4 {
		t.Errorf("%d calls reached the predictor, want 4", s.fake.calls)
	}
}

func TestHosts(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Hosts = []string{"bridge.lan"} })
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	for host, code := range map[string]int{
		"localhost":                  200,
		"LOCALHOST:" + port:          200,
		"127.0.0.1:" + port:          200,
		"127.9.9.9":                  200,
		"[::1]:" + port:              200,
		"[::1]":                      200,
		"[::ffff:127.0.0.1]":         200,
		"bridge.lan:80":              200,
		"Bridge.LAN":                 200,
		"evil.example":               403,
		"evil.example:" + port:       403,
		"localhost.evil.example":     403,
		"127.0.0.1.evil.example":     403,
		"10.0.0.1":                   403,
		"0.0.0.0:" + port:            403,
		"bridge.lan.evil.example":    403,
		"xbridge.lan":                403,
		strings.Repeat("a", 300):     403,
		"localhost:" + port + "junk": 403,
		"localhost:99999":            403,
	} {
		got := s.do(t, http.MethodGet, "/health", "", "Host: "+host)
		if got.code != code || code == 403 && !strings.Contains(got.body, `is not served here, see --allow-host`) {
			t.Errorf("host %q: %d %s, want %d", host, got.code, got.body, code)
		}
	}
}

// The page loads nothing from elsewhere, runs nothing but what it carries, and may
// not be framed.
func TestPage(t *testing.T) {
	h := healthy()
	s := newSite(t, func(c *Config) { c.Health = func() Health { return h } })
	got := s.do(t, http.MethodGet, "/", "")
	if got.code != 200 || !strings.Contains(got.body, "healthy") || !strings.Contains(got.body, "workload@1") {
		t.Errorf("GET / = %d %s", got.code, got.body)
	}
	csp := got.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "script-src 'sha256-", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("Content-Security-Policy %q lacks %q", csp, want)
		}
	}
	for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy"} {
		if got.header.Get(name) == "" {
			t.Errorf("GET / lacks %s", name)
		}
	}
	for _, bad := range []string{"https://", "src=", "style=\"", "@import", "innerHTML", "eval("} {
		if strings.Contains(got.body, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if n := strings.Count(got.body, "<script"); n != 1 {
		t.Errorf("the page has %d scripts, want its own", n)
	}
	// Without scripts it says how calls were answered and how the models did, where that is known.
	if strings.Contains(got.body, ">rule's<") {
		t.Error("a page without a status has columns for it")
	}
	full := newSite(t, func(c *Config) {
		c.Status = func(since int64) status.Document {
			d, model, rule := someStatus(since), 0.0123456, 2.0
			k := &d.Kinds[ipc.Memory-1]
			k.Answers, k.Late, k.Model.State = map[string]uint64{"model": 40, "none": 2}, 3, "partly demoted"
			k.Latency = status.Quantiles{N: 1, P99: 1_234_567}
			k.Score.Measure, k.Score.RecentModel, k.Score.RecentRule = "share of wrong pages", &model, &rule
			return d
		}
	}).do(t, http.MethodGet, "/", "")
	if want := "<title>ml-bridge: healthy, node-7</title>"; !strings.Contains(full.body, want) {
		t.Errorf("the page lacks %s", want)
	}
	row := "<td>partly demoted</td><td>42</td><td>3</td><td>1.235ms</td><td>0.0123</td><td>2</td><td>share of wrong pages</td></tr>"
	if !strings.Contains(full.body, row) || !strings.Contains(full.body, "<td>1</td><td>0</td><td>–</td><td>–</td><td>–</td>") {
		t.Errorf("without scripts the page lacks %s: %s", row, full.body[strings.Index(full.body, "<tbody>"):])
	}
	// What the daemon says about itself is text, whatever it is.
	h.Upstream.Error = "<script>alert(1)</script>"
	h.Reasons = []string{"<b>daemon</b> unavailable"}
	got = s.do(t, http.MethodGet, "/", "")
	if strings.Contains(got.body, "alert(1)<") || strings.Contains(got.body, "<b>daemon") || !strings.Contains(got.body, "degraded") {
		t.Errorf("GET / with hostile texts: %s", got.body)
	}
}

func TestHealth(t *testing.T) {
	h := healthy()
	s := newSite(t, func(c *Config) {
		c.Health = func() Health { return h }
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") })
	})
	want := `{"status":"healthy","service":"ml-bridge","version":"1.2.3","live":true,"ready":true,"reasons":[],` +
		`"upstream":{"address":"http://127.0.0.1:9005","state":"up","format":"msgpack"},"models":{"workload":"workload@1"},"drifted":{"memory":["page_step"]}}`
	if got := s.do(t, http.MethodGet, "/health", ""); got.code != 200 || got.body != want {
		t.Errorf("GET /health\n got %d %s\nwant 200 %s", got.code, got.body, want)
	}
	for _, c := range []struct {
		live, ready   bool
		reasons       []string
		status        string
		health        int
		livez, readyz int
	}{
		{true, true, nil, "healthy", 200, 200, 200},
		{true, true, []string{"daemon unavailable"}, "degraded", 200, 200, 200},
		{true, false, []string{"draining"}, "degraded", 200, 200, 503},
		{false, false, nil, "degraded", 503, 503, 503},
	} {
		h.Live, h.Ready, h.Reasons = c.live, c.ready, c.reasons
		health, livez, readyz := s.do(t, "GET", "/health", ""), s.do(t, "GET", "/livez", ""), s.do(t, "GET", "/readyz", "")
		if health.code != c.health || livez.code != c.livez || readyz.code != c.readyz {
			t.Errorf("%+v: %d, %d, %d", c, health.code, livez.code, readyz.code)
		}
		if !strings.HasPrefix(health.body, `{"status":"`+c.status+`"`) {
			t.Errorf("%+v: %s", c, health.body)
		}
		if want := fmt.Sprintf(`{"live":%t}`, c.live); livez.body != want {
			t.Errorf("GET /livez = %s, want %s", livez.body, want)
		}
		if want := fmt.Sprintf(`{"ready":%t}`, c.ready); readyz.body != want {
			t.Errorf("GET /readyz = %s, want %s", readyz.body, want)
		}
	}
	if got := s.do(t, "GET", "/metrics", ""); got.code != 200 || got.body != "up 1" {
		t.Errorf("GET /metrics = %d %q", got.code, got.body)
	}
	if got := newSite(t, nil).do(t, "GET", "/metrics", ""); got.code != 404 {
		t.Errorf("GET /metrics without any = %d %q", got.code, got.body)
	}
}

// A defect behind the API costs one answer, not the process, and is logged.
func TestPanicIsAnswered(t *testing.T) {
	var logged []string
	var events []Event
	s := newSite(t, func(c *Config) {
		c.Log = func(msg string, err error) { logged = append(logged, err.Error()) }
		c.Observe = func(e Event) { events = append(events, e) }
		c.Health = func() Health { panic("broken") }
	})
	got := s.do(t, "GET", "/health", "")
	if got.code != 500 || got.body != `{"success":false,"error":"internal"}` {
		t.Errorf("GET /health = %d %s", got.code, got.body)
	}
	if len(logged) != 1 || !strings.Contains(logged[0], "broken") {
		t.Errorf("logged %q", logged)
	}
	if len(events) != 1 || events[0].Code != 500 || events[0].Route != "/health" {
		t.Errorf("observed %+v", events)
	}
}

// Every request is observed once, refused ones included, under a bounded set of
// route names.
func TestObserve(t *testing.T) {
	var events []Event
	s := newSite(t, func(c *Config) { c.Observe = func(e Event) { events = append(events, e) } })
	s.post(t, "/api/ml/predict/batch", `{"requests":[{},{}]}`)
	s.post(t, path(ipc.Workload), workloadQ)
	s.post(t, "/api/ml/outcome", `{"outcomes":[`+outcomeQ+`,`+outcomeQ+`]}`)
	s.do(t, "GET", "/openapi.json", "")
	s.post(t, "/made/up", "")
	s.post(t, path(ipc.Memory), memoryQ, "Origin: https://evil.example")
	s.do(t, "GET", "/health", "", "Host: evil.example")
	want := []Event{
		{Route: "/api/ml/predict/batch", Method: "POST", Code: 200, Slots: 2},
		{Route: "/api/ml/predict/workload", Method: "POST", Code: 200, Slots: 1},
		{Route: "/api/ml/outcome", Method: "POST", Code: 202, Slots: 2},
		{Route: "/openapi.json", Method: "GET", Code: 200},
		{Method: "POST", Code: 404},
		{Method: "POST", Code: 403},
		{Method: "GET", Code: 403},
	}
	for i := range events {
		if events[i].Elapsed <= 0 {
			t.Errorf("event %d took %v", i, events[i].Elapsed)
		}
		events[i].Elapsed = 0
	}
	if fmt.Sprint(events) != fmt.Sprint(want) {
		t.Errorf("observed %+v, want %+v", events, want)
	}
}
