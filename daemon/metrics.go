package daemon

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/valyala/fasthttp"
)

// KindMetrics is what /api/ml/metrics says about one kind since the last reset.
// Latencies are per call, a batch being one, from the body read to the answer.
type KindMetrics struct {
	Model       string    `json:"model"` // "name@version" that serves now
	Since       time.Time `json:"since"`
	Calls       uint64    `json:"calls"`
	Predictions uint64    `json:"predictions"`
	Errors      uint64    `json:"errors"`
	ErrorRate   float64   `json:"errorRate"` // errors / (predictions + errors)
	MeanMs      float64   `json:"latencyMeanMs"`
	P50Ms       float64   `json:"latencyP50Ms"`
	P90Ms       float64   `json:"latencyP90Ms"`
	P99Ms       float64   `json:"latencyP99Ms"`
	P999Ms      float64   `json:"latencyP999Ms"`
	MaxMs       float64   `json:"latencyMaxMs"`
}

// Metrics gives what /api/ml/metrics/<kind> says.
func (s *Server) Metrics(k ipc.Kind) KindMetrics {
	t := s.tally[k].snapshot()
	m := KindMetrics{Since: t.since, Calls: t.calls, Predictions: t.ok, Errors: t.errors}
	if model := s.registry.Snapshot().Model(k); model != nil {
		m.Model = model.Label
	}
	if all := t.ok + t.errors; all > 0 {
		m.ErrorRate = float64(t.errors) / float64(all)
	}
	if t.latency.TotalCount() > 0 {
		at := func(q float64) float64 { return float64(t.latency.ValueAtQuantile(q)) / 1e6 }
		m.MeanMs, m.MaxMs = t.latency.Mean()/1e6, float64(t.latency.Max())/1e6
		m.P50Ms, m.P90Ms, m.P99Ms, m.P999Ms = at(50), at(90), at(99), at(99.9)
	}
	return m
}

func (s *Server) metricsJSON(ctx *fasthttp.RequestCtx) {
	all := make(map[string]KindMetrics, len(ipc.Kinds))
	for _, k := range ipc.Kinds {
		all[k.String()] = s.Metrics(k)
	}
	sendValue(ctx, map[string]any{"success": true, "metrics": all})
}

func (s *Server) metricsOf(ctx *fasthttp.RequestCtx, k ipc.Kind) {
	sendValue(ctx, map[string]any{"success": true, "metrics": s.Metrics(k)})
}

// metricsReset starts the counts anew. The Prometheus counters derive from the same
// numbers, and a counter that starts again is something Prometheus copes with.
func (s *Server) metricsReset(ctx *fasthttp.RequestCtx) {
	for _, k := range ipc.Kinds {
		s.tally[k].reset()
	}
	sendValue(ctx, map[string]any{"success": true})
}

// cacheStats keeps the origin's route and tells the truth: the cache is in the
// bridge, mld has none.
func (s *Server) cacheStats(ctx *fasthttp.RequestCtx) {
	sendValue(ctx, map[string]any{"success": true, "stats": map[string]any{
		"enabled": false, "size": 0, "maxSize": 0, "hits": 0, "misses": 0, "hitRate": 0,
	}})
}

func (s *Server) cacheClear(ctx *fasthttp.RequestCtx) {
	sendValue(ctx, map[string]any{"success": true, "cleared": 0})
}
