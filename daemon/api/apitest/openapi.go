// Package apitest holds an HTTP API against the OpenAPI document that it serves: every
// route of one is in the other, every request that the document accepts is taken and
// every one it refuses is refused, and every answer is one that it describes. Both
// daemons' tests use it.
package apitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

func init() {
	// The library knows neither pages nor msgpack; to it they are strings.
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/msgpack", openapi3filter.PlainBodyDecoder)
}

// Document is an OpenAPI 3.1 document as it is served.
type Document struct {
	text   []byte
	parsed *openapi3.T
}

// Parse reads a document and fails the test where it is not valid.
func Parse(t *testing.T, text []byte) *Document {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		err = doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater())
	}
	if err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	return &Document{text: text, parsed: doc}
}

// Has fails the test unless the document has exactly these routes, "GET /health".
func (d *Document) Has(t *testing.T, routes []string) {
	t.Helper()
	served := make(map[string]bool, len(routes))
	for _, r := range routes {
		served[r] = true
	}
	for path, item := range d.parsed.Paths.Map() {
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

// Examples gives the examples of a schema as they stand in the document, so that no
// number passes through a float. There must be some.
func (d *Document) Examples(t *testing.T, schema string) (texts []string) {
	t.Helper()
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Examples []json.RawMessage }
		}
	}
	if err := json.Unmarshal(d.text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, raw := range doc.Components.Schemas[schema].Examples {
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, compact.String())
	}
	if len(texts) == 0 {
		t.Fatalf("openapi.json has no examples of %s", schema)
	}
	return texts
}

// Answer is what the API said.
type Answer struct {
	Code   int
	Header http.Header
	Body   string
}

// Conversation is a client whose requests and answers are held against the document.
type Conversation struct {
	url    string
	ask    func(t *testing.T, method, path, contentType, body string) Answer
	router routers.Router
}

// Talk begins a conversation with the API at url, through ask.
func (d *Document) Talk(t *testing.T, url string, ask func(t *testing.T, method, path, contentType, body string) Answer) *Conversation {
	t.Helper()
	d.parsed.Servers = openapi3.Servers{{URL: url}}
	router, err := gorillamux.NewRouter(d.parsed)
	if err != nil {
		t.Fatal(err)
	}
	return &Conversation{url: url, ask: ask, router: router}
}

// Says sends a request in JSON, or without a body, and checks both directions.
// wellFormed says whether the document should accept the request; the API has to agree.
func (c *Conversation) Says(t *testing.T, method, path, body string, wellFormed bool) Answer {
	t.Helper()
	contentType := ""
	if body != "" || method == http.MethodPost {
		contentType = "application/json"
	}
	return c.SaysAs(t, method, path, contentType, body, wellFormed)
}

// SaysAs is Says for another content type.
func (c *Conversation) SaysAs(t *testing.T, method, path, contentType, body string, wellFormed bool) Answer {
	t.Helper()
	in := c.request(t, method, path, contentType, body)
	if err := openapi3filter.ValidateRequest(t.Context(), in); (err == nil) != wellFormed {
		t.Errorf("%s %s %s: openapi.json says %v, want well-formed = %t", method, path, body, err, wellFormed)
	}
	got := c.hears(t, in, method, path, contentType, body)
	if good := got.Code < 300; good != wellFormed {
		t.Errorf("%s %s %s = %d %s, want success = %t", method, path, body, got.Code, got.Body, wellFormed)
	}
	return got
}

// Hears sends a request and checks the answer alone.
func (c *Conversation) Hears(t *testing.T, method, path, contentType, body string) Answer {
	t.Helper()
	return c.hears(t, c.request(t, method, path, contentType, body), method, path, contentType, body)
}

func (c *Conversation) request(t *testing.T, method, path, contentType, body string) *openapi3filter.RequestValidationInput {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		t.Fatalf("%s %s: no such route in openapi.json: %v", method, path, err)
	}
	return &openapi3filter.RequestValidationInput{Request: req, Route: route, PathParams: params}
}

func (c *Conversation) hears(t *testing.T, in *openapi3filter.RequestValidationInput, method, path, contentType, body string) Answer {
	t.Helper()
	got := c.ask(t, method, path, contentType, body)
	err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: got.Code, Header: got.Header,
		Body: io.NopCloser(strings.NewReader(got.Body)), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s answered %d %s, which openapi.json refuses: %v", method, path, got.Code, got.Body, err)
	}
	return got
}
