package httpapi

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api/apitest"
	"github.com/mlbridge/mlbridge/ipc"
)

// The document has exactly the routes that are served, with their methods.
func TestDocumentHasEveryRoute(t *testing.T) {
	var served []string
	for _, r := range new(handler).routes() {
		served = append(served, r.method+" "+strings.TrimSuffix(r.path, "{$}"))
	}
	apitest.Parse(t, openapiDocument).Has(t, served)
}

// conversation is with a whole API.
type conversation struct {
	*apitest.Conversation
	*apitest.Document
	site *site
}

func newConversation(t *testing.T) *conversation {
	t.Helper()
	c := &conversation{Document: apitest.Parse(t, openapiDocument), site: newSite(t, func(c *Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, "up 1\n")
		})
		c.Status = someStatus
	})}
	c.Conversation = c.Talk(t, c.site.URL, func(t *testing.T, method, path, _, body string) apitest.Answer {
		got := c.site.do(t, method, path, body)
		return apitest.Answer{Code: got.code, Header: got.header, Body: got.body}
	})
	return c
}

// Every example of the document is a request that the API takes, and every answer
// is one that the document describes: single, in a batch, and as an outcome.
func TestExamplesWork(t *testing.T) {
	c := newConversation(t)
	var mixed []string
	for _, k := range ipc.Kinds {
		for _, text := range c.Examples(t, strings.ToUpper(k.String()[:1])+k.String()[1:]+"Request") {
			for _, query := range []string{"", "?u64=string", "?require=model"} {
				c.Says(t, http.MethodPost, path(k)+query, text, true)
			}
			c.Says(t, http.MethodPost, path(k)+"/batch", `{"requests":[`+text+`,`+text+`]}`, true)
			mixed = append(mixed, `{"kind":"`+k.String()+`",`+text[1:])
		}
	}
	c.Says(t, http.MethodPost, "/api/ml/predict/batch", `{"requests":[`+strings.Join(mixed, ",")+`]}`, true)
	reports := c.Examples(t, "Outcome")
	if len(reports) != len(ipc.Kinds) {
		t.Fatalf("openapi.json has %d examples of Outcome, want one per kind", len(reports))
	}
	for _, text := range reports {
		c.Says(t, http.MethodPost, "/api/ml/outcome", text, true)
	}
	c.Says(t, http.MethodPost, "/api/ml/outcome", `{"outcomes":[`+strings.Join(reports, ",")+`]}`, true)
	for _, path := range []string{"/", "/health", "/livez", "/readyz", "/metrics", "/openapi.json", "/api/ml/status", "/api/ml/status?since=1700000000000"} {
		c.Says(t, http.MethodGet, path, "", true)
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
		c.Says(t, http.MethodPost, path(ipc.Workload), text, false)
	}
	c.Says(t, http.MethodPost, path(ipc.Workload)+"/batch", `{"requests":[]}`, false)
	c.Says(t, http.MethodPost, "/api/ml/outcome", `{"outcomes":[]}`, false)
	c.Says(t, http.MethodPost, path(ipc.Workload)+"?require=rule", workloadQ, false)
	c.Says(t, http.MethodGet, "/api/ml/status?since=yesterday", "", false)
	c.Says(t, http.MethodGet, "/api/ml/status?since=-1", "", false)
	for _, status := range ipc.Statuses[1:] {
		c.site.fake.answer = refuseWith(status, "because")
		// The request is well-formed; what is held against the document is the answer.
		c.Hears(t, http.MethodPost, path(ipc.Workload), "application/json", workloadQ)
		c.Hears(t, http.MethodPost, path(ipc.Workload)+"/batch", "application/json", `{"requests":[`+workloadQ+`]}`)
	}
}
