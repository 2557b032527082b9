package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/ipc"
)

// Bridge records what a bridge does; nil, which costs nothing, where nothing is recorded.
func (t *Tracing) Bridge() bridge.Tracer {
	if t == nil {
		return nil
	}
	return (*bridgeTracer)(t)
}

type bridgeTracer Tracing

// Begin implements bridge.Tracer. The span begins when the call arrived.
func (t *bridgeTracer) Begin(call *ipc.Call) any {
	if call.Trace.Valid() && !call.Trace.Sampled() {
		return nil // its caller does not record it; the sampler would say so too, later
	}
	arrived := time.Now().Add(-ipc.Now().Sub(call.Arrived))
	_, span := t.tracer.Start(parent(&call.Trace), "predict "+call.Request.Kind().String(),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(arrived))
	if !span.IsRecording() {
		return nil
	}
	span.SetAttributes(
		attribute.String("mlbridge.kind", call.Request.Kind().String()),
		attribute.Int64("mlbridge.budget_ns", int64(call.Deadline.Sub(call.Arrived))),
	)
	return span
}

// End implements bridge.Tracer.
func (t *bridgeTracer) End(call *ipc.Call) string {
	span := call.Note.(trace.Span)
	r := &call.Reply
	span.SetAttributes(
		attribute.String("mlbridge.source", r.Source.String()), attribute.String("mlbridge.model", r.Model),
		attribute.Bool("mlbridge.late", ipc.Now() > call.Deadline),
	)
	if r.Reason != ipc.ReasonNone {
		span.SetAttributes(attribute.String("mlbridge.reason", r.Reason.String()))
	}
	if r.Status != ipc.StatusOK {
		failed(span, r.Status.String())
	}
	span.End()
	return span.SpanContext().TraceID().String()
}

// Exchange implements bridge.Tracer. The span is in the first call's trace and linked to
// the others.
func (t *bridgeTracer) Exchange(kind ipc.Kind, questions int, notes []any) (string, func(int, error)) {
	first := notes[0].(trace.Span)
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("mlbridge.kind", kind.String()), attribute.Int("mlbridge.questions", questions))}
	for _, n := range notes[1:] {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: n.(trace.Span).SpanContext()}))
	}
	_, span := t.tracer.Start(trace.ContextWithSpan(context.Background(), first), "ask daemon "+kind.String(), options...)
	c := span.SpanContext()
	header := ipc.Trace{ID: c.TraceID(), Span: c.SpanID(), Flags: uint8(c.TraceFlags())}
	return header.Traceparent(), func(status int, err error) {
		if err != nil {
			failed(span, err.Error())
		} else {
			span.SetAttributes(attribute.Int("http.response.status_code", status))
		}
		span.End()
	}
}
