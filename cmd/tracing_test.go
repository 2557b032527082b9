package cmd_test

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/mlbridge/mlbridge/ipc"
)

// collected is a span and the service that it came from.
type collected struct {
	service string
	*otlp.Span
}

// collect is a collector of traces: OTLP over HTTP, in protobuf.
func collect(t *testing.T) (url string, spans chan collected) {
	t.Helper()
	spans = make(chan collected, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var in collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &in) != nil {
			t.Errorf("collector: %s, %v, %d bytes", r.URL.Path, err, len(body))
			return
		}
		for _, from := range in.ResourceSpans {
			service := ""
			for _, a := range from.Resource.Attributes {
				if a.Key == "service.name" {
					service = a.Value.GetStringValue()
				}
			}
			for _, scope := range from.ScopeSpans {
				for _, span := range scope.Spans {
					spans <- collected{service, span}
				}
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, spans
}

// A call is followed from its caller through the socket, the bridge, HTTP, and mld: four
// places of one trace, each the child of the one before. So is one that came over the
// bridge's HTTP API. A call whose caller does not record it leaves nothing.
func TestTracesCrossSocketAndHTTP(t *testing.T) {
	url, spans := collect(t)
	for _, client := range []string{"loop", "net/http"} {
		mld := start(t, "mld", "--listen", "127.0.0.1:0", "--trace", url, "--trace-share", "0")
		b := startBridge(t, "http://"+mld.at.Listen[0], "--trace", url, "--trace-share", "0", "--upstream-client", client)
		c := dial(t, b.at.Socket)
		const (
			quiet    = "00-11111111111111111111111111111111-2222222222222222-00"
			bySocket = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
			byHTTP   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		)
		ask := func(n uint64, traceparent string) {
			t.Helper()
			var r [1]ipc.Reply
			opts := ipc.Options{Budget: startup, RequireModel: true, Trace: ipc.ParseTraceparent(traceparent)}
			if err := c.Predict(context.Background(), fresh(n)[:1], r[:], opts); err != nil || r[0].Source != ipc.SourceModel {
				t.Fatalf("%v %+v", err, r[0])
			}
		}
		ask(1, quiet)
		ask(2, bySocket)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.at.HTTP+"/api/ml/predict/memory?require=model",
			strings.NewReader(`{"agent_id":3,"current_address":4096,"locality_score":0}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-ML-Budget-Ns", "60000000000") // see post
		req.Header.Set("traceparent", byHTTP)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("over HTTP: %d", resp.StatusCode)
		}
		for _, p := range []*process{b, mld} { // what is recorded is sent at the end at the latest
			p.signal(syscall.SIGTERM)
			if code := p.end(); code != 0 {
				t.Fatalf("exit %d: %s", code, p.said())
			}
		}
		byParent := make(map[string]collected)
		for deadline := time.After(startup); len(byParent) < 6; {
			select {
			case s := <-spans:
				byParent[hex.EncodeToString(s.TraceId)+" "+hex.EncodeToString(s.ParentSpanId)] = s
			case <-deadline:
				t.Fatalf("%s: %d spans within %v: %v", client, len(byParent), startup, byParent)
			}
		}
		for _, caller := range []struct{ traceparent, kind string }{{bySocket, "workload"}, {byHTTP, "memory"}} {
			trace, at := caller.traceparent[3:35], caller.traceparent[36:52]
			for _, want := range []struct{ service, name string }{
				{"ml-bridge", "predict " + caller.kind}, {"ml-bridge", "ask daemon " + caller.kind}, {"mld", "answer " + caller.kind},
			} {
				s, ok := byParent[trace+" "+at]
				if !ok || s.service != want.service || s.Name != want.name || s.EndTimeUnixNano < s.StartTimeUnixNano {
					t.Fatalf("%s: below %s is %s %v, want %s of %s", client, at, s.service, s.Span, want.name, want.service)
				}
				at = hex.EncodeToString(s.SpanId)
			}
		}
		if len(spans) > 0 {
			t.Errorf("%s: %d spans more than were asked for, one is %v", client, len(spans), <-spans)
		}
	}
}
