package daemon

import (
	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

var (
	descPredictions = prometheus.NewDesc("mld_predictions_total", "Slots answered, by kind and result.", []string{"kind", "result"}, nil)
	descLatency     = prometheus.NewDesc("mld_call_duration_seconds", "Time from a call's body read to its answer, by kind.", []string{"kind"}, nil)
	descModel       = prometheus.NewDesc("mld_model_info", "1 for the model that serves a kind.", []string{"kind", "model"}, nil)
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

// collector reads the server's counters when it is asked; the hot path knows
// nothing of Prometheus.
type collector struct{ s *Server }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descPredictions, descLatency, descModel, descProblem, descRequests,
		descUnknown, descRejected, descOpen, descPanics, descGeneration,
	} {
		ch <- d
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
		buckets, sum := cumulative(t.latency, latencyBounds)
		ch <- prometheus.MustNewConstHistogram(descLatency, uint64(t.latency.TotalCount()), sum, buckets, k.String())
		if m := snap.Model(k); m != nil {
			gauge(descModel, 1, k.String(), m.Label)
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

// cumulative gives the number of values up to each bound, and their sum in seconds.
func cumulative(h *hdrhistogram.Histogram, bounds []float64) (map[float64]uint64, float64) {
	buckets := make(map[float64]uint64, len(bounds))
	for _, b := range bounds {
		buckets[b] = 0
	}
	sum := 0.0
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		// A bar spans at most 1 % of its value: its upper end stands for all of it.
		seconds := float64(bar.To) / 1e9
		sum += seconds * float64(bar.Count)
		for _, b := range bounds {
			if seconds <= b {
				buckets[b] += uint64(bar.Count)
			}
		}
	}
	return buckets, sum
}

// prometheusHandler serves /metrics from a registry of the server's own, so that two
// servers in one process do not clash.
func (s *Server) prometheusHandler() func(*fasthttp.RequestCtx) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{s}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
}
