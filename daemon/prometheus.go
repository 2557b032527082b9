package daemon

import (
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

var (
	descPredictions = prometheus.NewDesc("mld_predictions_total", "Slots answered, by kind and result.", []string{"kind", "result"}, nil)
	descModel       = prometheus.NewDesc("mld_model_info", "1 for the model that serves a kind.", []string{"kind", "model"}, nil)
	descCandidate   = prometheus.NewDesc("mld_model_candidate_share", "Share of the subjects that a candidate answers, 0 for one in the shadow.", []string{"kind", "model"}, nil)
	descInvalid     = prometheus.NewDesc("mld_invalid_outputs_total", "Questions that a model answered with a number that is none or outside its range, which nobody got, by the model that serves or is tried.", []string{"kind", "model"}, nil)
	descProblem     = prometheus.NewDesc("mld_model_problem", "1 when a kind's model is missing or older than it might be.", []string{"kind"}, nil)
	descRequests    = prometheus.NewDesc("mld_http_requests_total", "HTTP requests answered, by route and class of status.", []string{"route", "status"}, nil)
	descUnknown     = prometheus.NewDesc("mld_http_unknown_fields_total", "JSON fields that were ignored.", nil, nil)
	descRejected    = prometheus.NewDesc("mld_connections_rejected_total", "Connections refused because there were too many.", nil, nil)
	descOpen        = prometheus.NewDesc("mld_connections_open", "Open connections.", nil, nil)
	descPanics      = prometheus.NewDesc("mld_panics_total", "Requests that ended in a panic.", nil, nil)
	descGeneration  = prometheus.NewDesc("mld_registry_generation", "Model sets loaded since the start.", nil, nil)
)

// latencyBounds are the buckets' upper bounds in seconds: 5 µs to 100 ms.
var latencyBounds = []float64{5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 1e-1}

// collector reads the server's counters when it is asked. Of Prometheus the hot path
// knows the histogram alone.
type collector struct{ s *Server }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descPredictions, descModel, descCandidate, descInvalid, descProblem, descRequests,
		descUnknown, descRejected, descOpen, descPanics, descGeneration,
	} {
		ch <- d
	}
	for _, k := range ipc.Kinds {
		ch <- c.s.tally[k].snapshot().seconds.Desc()
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	snap := c.s.registry.Snapshot()
	for _, k := range ipc.Kinds {
		t := c.s.tally[k].snapshot()
		counter(descPredictions, t.ok, k.String(), "ok")
		counter(descPredictions, t.errors, k.String(), "error")
		ch <- t.seconds
		if m := snap.Model(k); m != nil {
			gauge(descModel, 1, k.String(), m.Label)
			n, _ := m.Invalid()
			counter(descInvalid, n, k.String(), m.Label)
		}
		if cand := snap.Candidate(k); cand != nil {
			gauge(descCandidate, cand.Share, k.String(), cand.Label)
			n, _ := cand.Invalid()
			counter(descInvalid, n, k.String(), cand.Label)
		}
		problem := 0.0
		if snap.Problem(k) != nil {
			problem = 1
		}
		gauge(descProblem, problem, k.String())
	}
	c.s.counts.each(func(route, class string, n uint64) { counter(descRequests, n, route, class) })
	counter(descUnknown, c.s.unknown.Load())
	counter(descRejected, c.s.rejected.Load())
	counter(descPanics, c.s.panics.Load())
	gauge(descGeneration, float64(snap.Generation))
	c.s.mu.Lock()
	open := len(c.s.conns) + c.s.onLane
	c.s.mu.Unlock()
	gauge(descOpen, float64(open))
}

// prometheusHandler serves /metrics from a registry of the server's own, so that two
// servers in one process do not clash.
func (s *Server) prometheusHandler() func(*fasthttp.RequestCtx) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{s}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
}
