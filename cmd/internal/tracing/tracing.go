// Package tracing records calls as spans and sends them, as OTLP over HTTP, to whoever
// collects traces. It is off unless an endpoint is given, and then records a share of the
// calls, or those whose callers record theirs.
//
// A call is three spans, in as many processes as it goes through: the bridge's
// ("predict workload"), in it the exchange with the daemon ("ask daemon workload"), which
// is one for all the calls whose questions left together and is linked to the others,
// and in that the daemon's ("answer workload").
package tracing

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/ipc"
)

// Tracing is a connection to a collector.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// queue bounds the spans that wait to be sent; what does not fit is dropped.
const queue = 2048

// New sends to endpoint, the URL of a collector such as http://127.0.0.1:4318; without a
// path, to its /v1/traces. share in [0, 1] of the calls without a recording caller are
// recorded. The collector need not be there: what it does not take is lost, and nobody
// waits for it.
func New(endpoint string, share float64, service, version string) (*Tracing, error) {
	to, err := endpointURL(endpoint)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(to), otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return with(sdk.NewBatchSpanProcessor(exporter, sdk.WithMaxQueueSize(queue)), share, service, version), nil
}

func with(to sdk.SpanProcessor, share float64, service, version string) *Tracing {
	provider := sdk.NewTracerProvider(
		sdk.WithSpanProcessor(to),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(share))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", version))),
	)
	return &Tracing{provider: provider, tracer: provider.Tracer("mlbridge")}
}

// Start is New for a command: without an endpoint it gives nil, which records nothing,
// and a collector that does not take what is sent is logged about.
func Start(endpoint string, share float64, service string, log zerolog.Logger) (*Tracing, error) {
	if endpoint == "" {
		return nil, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn().Err(err).Msg("traces were not taken") }))
	return New(endpoint, share, service, cli.Version())
}

// Stop sends what is recorded, for at most two seconds, and records no more.
func (t *Tracing) Stop() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the error handler has logged what was lost
}

// parent makes a context of the caller's place in its trace.
func parent(t *ipc.Trace) context.Context {
	if !t.Valid() {
		return context.Background()
	}
	return trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: t.ID, SpanID: t.Span, TraceFlags: trace.TraceFlags(t.Flags), Remote: true,
	}))
}

// failed marks a span whose work came to nothing.
func failed(span trace.Span, why string) { span.SetStatus(codes.Error, why) }
