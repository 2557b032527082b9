package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/mlbridge/mlbridge/ipc"
)

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapiDocument)
	if err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	return doc
}

// The document has exactly the routes that are served, with their methods.
func TestDocumentHasEveryRoute(t *testing.T) {
	doc := document(t)
	served := map[string]bool{}
	for _, r := range new(handler).routes() {
		served[r.method+" "+strings.TrimSuffix(r.path, "{$}")] = true
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !served[method+" "+path] {
				t.Errorf("openapi.json has %s %s, which is not served", method, path)
			}
			delete(served, method+" "+path)
		}
	}
	for r := range served {
		t.Errorf("openapi.json lacks %s", r)
	}
}

func init() {
	// The library knows no HTML; to it a page is a string.
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
}

// conversation is a client whose requests and answers are held against the
// document.
type conversation struct {
	site   *site
	router routers.Router
}

func newConversation(t *testing.T) *conversation {
	t.Helper()
	c := &conversation{site: newSite(t, func(c *Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, "up 1\n")
		})
		c.Status = someStatus
	})}
	doc := document(t)
	doc.Servers = openapi3.Servers{{URL: c.site.URL}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	c.router = router
	return c
}

// says sends a request and checks both directions. wellFormed says whether the
// document should accept the request; the API has to agree.
func (c *conversation) says(t *testing.T, method, path, body string, wellFormed bool) answer {
	t.Helper()
	req := httptest.NewRequest(method, c.site.URL+path, strings.NewReader(body))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		t.Fatalf("%s %s: no such route in openapi.json: %v", method, path, err)
	}
	in := &openapi3filter.RequestValidationInput{Request: req, Route: route, PathParams: params}
	if err := openapi3filter.ValidateRequest(t.Context(), in); (err == nil) != wellFormed {
		t.Errorf("%s %s %s: openapi.json says %v, want well-formed = %t", method, path, body, err, wellFormed)
	}
	got := c.site.do(t, method, path, body)
	if good := got.code < 300; good != wellFormed {
		t.Errorf("%s %s %s = %d %s, want success = %t", method, path, body, got.code, got.body, wellFormed)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: got.code, Header: got.header,
		Body: io.NopCloser(bytes.NewReader([]byte(got.body))), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s %s answered %d %s, which openapi.json refuses: %v", method, path, got.code, got.body, err)
	}
	return got
}

// Every example of the document is a request that the API takes, and every answer
// is one that the document describes: single, in a batch, and as an outcome.
func TestExamplesWork(t *testing.T) {
	c := newConversation(t)
	doc := document(t)
	var mixed []string
	for _, k := range ipc.Kinds {
		name := strings.ToUpper(k.String()[:1]) + k.String()[1:] + "Request"
		schema := exampleTexts(t, name)
		if len(schema) == 0 || doc.Components.Schemas[name] == nil {
			t.Fatalf("openapi.json has no examples of %s", name)
		}
		for _, text := range schema {
			for _, query := range []string{"", "?u64=string", "?require=model"} {
				c.says(t, http.MethodPost, path(k)+query, text, true)
			}
			c.says(t, http.MethodPost, path(k)+"/batch", `{"requests":[`+text+`,`+text+`]}`, true)
			mixed = append(mixed, `{"kind":"`+k.String()+`",`+text[1:])
		}
	}
	c.says(t, http.MethodPost, "/api/ml/predict/batch", `{"requests":[`+strings.Join(mixed, ",")+`]}`, true)
	reports := exampleTexts(t, "Outcome")
	if len(reports) != len(ipc.Kinds) {
		t.Fatalf("openapi.json has %d examples of Outcome, want one per kind", len(reports))
	}
	for _, text := range reports {
		c.says(t, http.MethodPost, "/api/ml/outcome", text, true)
	}
	c.says(t, http.MethodPost, "/api/ml/outcome", `{"outcomes":[`+strings.Join(reports, ",")+`]}`, true)
	for _, path := range []string{"/", "/health", "/livez", "/readyz", "/metrics", "/openapi.json", "/api/ml/status", "/api/ml/status?since=1700000000000"} {
		c.says(t, http.MethodGet, path, "", true)
	}
}

// The document refuses what the API refuses.
func TestDocumentRefusesWhatTheAPIRefuses(t *testing.T) {
	c := newConversation(t)
	for _, text := range []string{
		`{}`, `[]`, `{"agent_id":1}`,
		strings.Replace(workloadQ, `"time_of_day":0`, `"time_of_day":24`, 1),
		strings.Replace(workloadQ, `"current_cpu":0.0`, `"current_cpu":1.01`, 1),
		strings.Replace(workloadQ, `"agent_id":7`, `"agent_id":-1`, 1),
		strings.Replace(workloadQ, `"agent_id":7`, `"agent_id":"07"`, 1),
		strings.Replace(workloadQ, `"agent_id":7`, `"agent_id":null`, 1),
		strings.Replace(workloadQ, `"agent_id":7`, `"agent_id":7.5`, 1),
		strings.Replace(workloadQ, `{`, `{"currentCpu":1,`, 1),
		strings.Replace(workloadQ, `{`, `{"kind":"memory",`, 1),
		strings.Replace(workloadQ, `{`, `{"historical_cpu":[0,0,0,0,0,0,0,0,0,0,0],`, 1),
	} {
		c.says(t, http.MethodPost, path(ipc.Workload), text, false)
	}
	c.says(t, http.MethodPost, path(ipc.Workload)+"/batch", `{"requests":[]}`, false)
	c.says(t, http.MethodPost, "/api/ml/outcome", `{"outcomes":[]}`, false)
	c.says(t, http.MethodPost, path(ipc.Workload)+"?require=rule", workloadQ, false)
	c.says(t, http.MethodGet, "/api/ml/status?since=yesterday", "", false)
	c.says(t, http.MethodGet, "/api/ml/status?since=-1", "", false)
	for _, status := range ipc.Statuses[1:] {
		c.site.fake.answer = refuseWith(status, "because")
		// The request is well-formed; what is held against the document is the answer.
		c.answers(t, path(ipc.Workload), workloadQ)
		c.answers(t, path(ipc.Workload)+"/batch", `{"requests":[`+workloadQ+`]}`)
	}
}

// answers checks an answer alone.
func (c *conversation) answers(t *testing.T, path, body string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, c.site.URL+path, nil)
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		t.Fatal(err)
	}
	got := c.site.post(t, path, body)
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, Route: route, PathParams: params},
		Status:                 got.code, Header: got.header, Body: io.NopCloser(strings.NewReader(got.body)),
	})
	if err != nil {
		t.Errorf("%s answered %d %s, which openapi.json refuses: %v", path, got.code, got.body, err)
	}
}

// exampleTexts gives the examples of a schema as they stand in the document, so
// that no number passes through a float.
func exampleTexts(t *testing.T, schema string) []string {
	t.Helper()
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Examples []json.RawMessage }
		}
	}
	if err := json.Unmarshal(openapiDocument, &doc); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, raw := range doc.Components.Schemas[schema].Examples {
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, compact.String())
	}
	return texts
}
