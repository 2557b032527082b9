package observe

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/mlbridge/mlbridge/ipc"
)

// A subsystem that records its own work with OpenTelemetry asks once over the socket and
// once over HTTP. What the collector has then is two traces, each through three services:
// whoever asked, ml-bridge, mld, every span the child of the one before.
func TestATraceThroughACollector(t *testing.T) {
	url, seen := collect(t)
	dir := t.TempDir()
	mld, bridge := filepath.Join(dir, "mld.sock"), filepath.Join(dir, "bridge.sock")
	_, endMld := start(t, "mld", "--listen=unix:"+mld, "--trace="+url, "--trace-share=0")
	at, endBridge := start(t, "ml-bridge", "--socket="+bridge, "--http=127.0.0.1:0", "--upstream=unix:"+mld, "--trace="+url, "--trace-share=0")

	tracer, stop := scheduler(t, url)
	ctx, place := tracer.Start(t.Context(), "place agent")
	overSocket(ctx, t, bridge)
	place.End()
	ctx, look := tracer.Start(t.Context(), "look at agent")
	overHTTP(ctx, t, at.HTTP)
	look.End()

	// What is recorded is sent at the end at the latest.
	stop()
	endBridge()
	endMld()
	spans := byParent(seen)
	if len(spans) != 8 {
		t.Errorf("the collector has %d spans, want 8: %v", len(spans), spans)
	}
	for _, root := range []struct {
		span trace.Span
		name string
	}{{place, "place agent"}, {look, "look at agent"}} {
		id, parent := root.span.SpanContext().TraceID().String(), ""
		for _, want := range []struct{ service, name string }{
			{"scheduler", root.name},
			{"ml-bridge", "predict workload"},
			{"ml-bridge", "ask daemon workload"},
			{"mld", "answer workload"},
		} {
			s, ok := spans[position{id, parent}]
			if !ok || s.service != want.service || s.span.Name() != want.name {
				t.Fatalf("below %q of %q is %v, want %v", parent, root.name, s, want)
			}
			parent = s.span.SpanID().String()
		}
	}
}

// scheduler is a subsystem's own tracer, which records all that it does.
func scheduler(t *testing.T, url string) (trace.Tracer, func()) {
	t.Helper()
	to, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(url+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(to), sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "scheduler"))))
	return p.Tracer("scheduler"), func() {
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// overSocket asks in the trace of ctx, as docs/operations.md says.
func overSocket(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	c, err := ipc.Dial(ctx, path, ipc.ClientConfig{Name: "scheduler"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	at := trace.SpanContextFromContext(ctx)
	question := &ipc.WorkloadRequest{AgentID: 1, HistoricalCPU: []float32{0.1, 0.2}, HistoricalMemory: []uint64{1, 2}, CurrentCPU: 0.2, CurrentMemory: 2}
	var r [1]ipc.Reply
	options := ipc.Options{Budget: patience, RequireModel: true, Trace: ipc.Trace{ID: at.TraceID(), Span: at.SpanID(), Flags: byte(at.TraceFlags())}}
	if err := c.Predict(ctx, []ipc.Request{question}, r[:], options); err != nil || r[0].Source != ipc.SourceModel {
		t.Fatalf("over the socket: %v, %+v", err, r[0])
	}
}

// overHTTP asks in the trace of ctx, with the headers of OpenTelemetry's own propagator.
func overHTTP(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/api/ml/predict/workload?require=model", strings.NewReader(
		`{"agent_id": 2, "historical_cpu": [0.1], "historical_memory": [1], "time_of_day": 0, "day_of_week": 0, "current_cpu": 0.1, "current_memory": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("over HTTP: %s", resp.Status)
	}
}

// position is a span's place: its trace and its parent, "" for none.
type position struct{ trace, parent string }

// of is a span and the service that it came from.
type of struct {
	service string
	span    ptrace.Span
}

func byParent(seen *consumertest.TracesSink) map[position]of {
	spans := make(map[position]of)
	for _, batch := range seen.AllTraces() {
		for _, r := range batch.ResourceSpans().All() {
			service, _ := r.Resource().Attributes().Get("service.name")
			for _, scope := range r.ScopeSpans().All() {
				for _, s := range scope.Spans().All() {
					spans[position{s.TraceID().String(), s.ParentSpanID().String()}] = of{service.Str(), s}
				}
			}
		}
	}
	return spans
}
