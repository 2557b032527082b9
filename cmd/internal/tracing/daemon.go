package tracing

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/mlbridge/mlbridge/daemon"
)

// Daemon records what mld answers; nil where nothing is recorded.
func (t *Tracing) Daemon() func(daemon.Traced) {
	if t == nil {
		return nil
	}
	return t.answered
}

func (t *Tracing) answered(c daemon.Traced) {
	_, span := t.tracer.Start(parent(&c.Parent), "answer "+c.Kind.String(),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(c.Began), trace.WithAttributes(
			attribute.String("mlbridge.kind", c.Kind.String()), attribute.String("mlbridge.model", c.Model),
			attribute.Int("mlbridge.questions", c.Slots), attribute.Int("mlbridge.failed", c.Failed)))
	if c.Err != nil {
		failed(span, c.Err.Error())
	}
	span.End(trace.WithTimestamp(c.Began.Add(c.Took)))
}
