package httpapi

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// example is a curl command of docs/http.md.
type example struct {
	port, path, body string
	headers          []string
}

var (
	commandPattern = regexp.MustCompile(`(?s)curl -s '?127\.0\.0\.1:(\d+)([^ ']*)'? (.*?)-d '\n(.*?)'`)
	headerPattern  = regexp.MustCompile(`-H '([^']*)'`)
)

func examples(t *testing.T) []example {
	t.Helper()
	text, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	for _, m := range commandPattern.FindAllStringSubmatch(string(text), -1) {
		e := example{port: m[1], path: m[2], body: m[4]}
		for _, h := range headerPattern.FindAllStringSubmatch(m[3], -1) {
			e.headers = append(e.headers, h[1])
		}
		list = append(list, e)
	}
	if n := strings.Count(string(text), "\ncurl "); n != len(list) || n == 0 {
		t.Fatalf("docs/http.md has %d curl commands, %d can be read", n, len(list))
	}
	return list
}

// Every command of docs/http.md is accepted: the bridge's by this API, mld's by the
// package that reads its calls.
func TestDocumentedCommandsWork(t *testing.T) {
	s := newSite(t, nil)
	for _, e := range examples(t) {
		if !slices.Contains(e.headers, "Content-Type: application/json") {
			t.Errorf("%s: no content type", e.path)
		}
		switch e.port {
		case "9006":
			if got := s.do(t, http.MethodPost, e.path, e.body, e.headers...); got.code >= 300 {
				t.Errorf("POST %s %s = %d %s", e.path, e.body, got.code, got.body)
			}
		case "9005":
			name, batch := strings.CutSuffix(strings.TrimPrefix(e.path, "/api/ml/predict/"), "/batch")
			k, err := ipc.ParseKind(name)
			if err != nil {
				t.Errorf("mld %s: %v", e.path, err)
				continue
			}
			if err := api.JSON.ParseCall([]byte(e.body), &api.Call{Kind: k, Batch: batch}); err != nil {
				t.Errorf("mld %s %s: %v", e.path, e.body, err)
			}
		}
	}
}

// The table of errors names every code of the status table with its status.
func TestDocumentedErrors(t *testing.T) {
	text, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "### Errors")
	table, _, _ = strings.Cut(table, "### Limits")
	row := regexp.MustCompile(`(?m)^\| (\d+) \| ([a-z ]*?) ?\|`)
	documented := map[string]int{}
	for _, m := range row.FindAllStringSubmatch(table, -1) {
		code, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if m[2] != "" {
			documented[m[2]] = code
		}
	}
	for _, s := range ipc.Statuses[1:] {
		if documented[s.String()] != httpStatus(s) {
			t.Errorf("docs/http.md gives %v the code %d, the code %d", s, documented[s.String()], httpStatus(s))
		}
		delete(documented, s.String())
	}
	for name := range documented {
		t.Errorf("docs/http.md has a status %q, which does not exist", name)
	}
}
