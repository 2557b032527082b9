package daemon

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/api/apitest"
	"github.com/mlbridge/mlbridge/ipc"
)

// The document has exactly the routes that are served, with their methods.
func TestDocumentHasEveryRoute(t *testing.T) {
	var served []string
	for path, r := range start(t, nil, Options{}).routes {
		method := http.MethodGet
		if r.post {
			method = http.MethodPost
		}
		served = append(served, method+" "+path)
	}
	apitest.Parse(t, openapiDocument).Has(t, served)
}

// conversation is with a running server, in the document's terms.
type conversation struct {
	*apitest.Conversation
	*apitest.Document
	server *running
}

func newConversation(t *testing.T, src *source) *conversation {
	t.Helper()
	c := &conversation{Document: apitest.Parse(t, openapiDocument), server: startSource(t, src, Options{})}
	client := c.server.client(t, false)
	c.Conversation = c.Talk(t, "http://"+c.server.addr, func(t *testing.T, method, path, contentType, body string) apitest.Answer {
		code, header, answer := c.server.do(t, client, method, path, contentType, []byte(body))
		return apitest.Answer{Code: code, Header: header, Body: string(answer)}
	})
	return c
}

// Every example of the document is a call that mld takes, in JSON and in msgpack, and
// every answer of every route is one that the document describes.
func TestDocumentDescribesEveryAnswer(t *testing.T) {
	c := newConversation(t, &source{model: &fake{version: "1", answer: echo}})
	for _, k := range ipc.Kinds {
		single, batch := api.PredictPath(k, false), api.PredictPath(k, true)
		for _, text := range c.Examples(t, strings.ToUpper(k.String()[:1])+k.String()[1:]+"Request") {
			c.Says(t, http.MethodPost, single, text, true)
			c.Says(t, http.MethodPost, single, `{"not":"known",`+text[1:], true)
			c.Says(t, http.MethodPost, batch, `{"features":[`+text+`,`+text+`]}`, true)
			// A bad slot fails alone, with an answer that the document knows.
			c.Hears(t, http.MethodPost, batch, "application/json", `{"features":[`+text+`,{}]}`)
		}
		one := string(api.Msgpack.AppendCall(nil, k, []ipc.Request{question(k, 1<<53+1)}, false))
		if got := c.SaysAs(t, http.MethodPost, single, api.Msgpack.ContentType(), one, true); got.Header.Get("Content-Type") != api.Msgpack.ContentType() {
			t.Errorf("%v in msgpack is answered in %s", k, got.Header.Get("Content-Type"))
		}
		c.Says(t, http.MethodGet, api.PathMetricsJSON+"/"+k.String(), "", true)
	}
	for _, path := range []string{
		api.PathMetricsJSON, api.PathCacheStats, api.PathHealth, api.PathLive, api.PathReady, api.PathPrometheus, PathOpenAPI,
	} {
		c.Says(t, http.MethodGet, path, "", true)
	}
	c.SaysAs(t, http.MethodPost, api.PathMetricsReset, "", "", true)
	c.SaysAs(t, http.MethodPost, api.PathCacheClear, "", "", true)
}

// The document refuses what mld refuses, and describes how.
func TestDocumentRefusesWhatMldRefuses(t *testing.T) {
	c := newConversation(t, &source{model: &fake{version: "1", answer: echo}})
	good := c.Examples(t, "WorkloadRequest")[0]
	bend := func(old, bad string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the example has no %s", old)
		}
		return strings.Replace(good, old, bad, 1)
	}
	workload := api.PredictPath(ipc.Workload, false)
	for _, text := range []string{
		`{}`, `[]`, `7`, `{"agentId":"agent-1"}`,
		bend(`"timeOfDay":0`, `"timeOfDay":24`), bend(`"timeOfDay":0`, `"timeOfDay":0.5`), bend(`"timeOfDay":0`, `"timeOfDay":null`),
		bend(`"currentCpu":0.3`, `"currentCpu":1.01`), bend(`"currentCpu":0.3`, `"currentCpu":"0.3"`),
		bend(`"agent-7"`, `"agent--7"`), bend(`"agent-7"`, `-1`), bend(`"agent-7"`, `null`), bend(`"agent-7"`, `"seven"`), bend(`"agent-7"`, `7.5`),
		bend(`[0.2,`, `[0.2,0,0,0,0,0,0,0,0,0,`), bend(`[0.2,`, `[null,`), bend(`"currentMemory":2097152`, `"currentMemory":-1`),
	} {
		c.Says(t, http.MethodPost, workload, text, false)
	}
	c.Says(t, http.MethodPost, api.PredictPath(ipc.Workload, true), `{"features":[]}`, false)
	c.Says(t, http.MethodPost, api.PredictPath(ipc.Workload, true), `{}`, false)
	c.SaysAs(t, http.MethodPost, workload, "text/plain", good, false)
	for from, bad := range map[string]string{
		`"component":"memory"`: `"component":""`, `"trend":-1`: `"trend":2`, `"failureHistory":[0,`: `"failureHistory":[2,`, `"timeSinceLastFailure":60000`: `"timeSinceLastFailure":-2`,
	} {
		text := c.Examples(t, "FailureRequest")[0]
		c.Says(t, http.MethodPost, api.PredictPath(ipc.Failure, false), strings.Replace(text, from, bad, 1), false)
	}
	for from, bad := range map[string]string{`"localityScore":0`: `"localityScore":2`, `"normalised32"`: `"u32"`} {
		text := c.Examples(t, "MemoryRequest")[1]
		c.Says(t, http.MethodPost, api.PredictPath(ipc.Memory, false), strings.Replace(text, from, bad, 1), false)
	}
}

// Without models, and while it drains, mld answers what the document describes.
func TestDocumentDescribesTrouble(t *testing.T) {
	c := newConversation(t, &source{without: map[ipc.Kind]bool{ipc.Workload: true, ipc.Threat: true, ipc.Failure: true, ipc.Memory: true}})
	example := c.Examples(t, "WorkloadRequest")[0]
	if got := c.Hears(t, http.MethodPost, api.PredictPath(ipc.Workload, false), "application/json", example); got.Code != http.StatusServiceUnavailable {
		t.Errorf("no model: %d", got.Code)
	}
	if got := c.Hears(t, http.MethodGet, api.PathReady, "", ""); got.Code != http.StatusServiceUnavailable {
		t.Errorf("not ready: %d", got.Code)
	}
	c.Hears(t, http.MethodGet, api.PathHealth, "", "")
	c.Hears(t, http.MethodGet, api.PathMetricsJSON, "", "")

	c = newConversation(t, &source{model: &fake{version: "1", answer: func(ipc.Request, *ipc.Prediction) error { panic("broken model") }}})
	if got := c.Hears(t, http.MethodPost, api.PredictPath(ipc.Workload, false), "application/json", example); got.Code != http.StatusServiceUnavailable {
		t.Errorf("a model that panics when it is tried: %d %s", got.Code, got.Body)
	}
}
