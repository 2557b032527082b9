package main

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/bridge/httpapi"
)

// httpMetrics counts the HTTP API's requests. Its labels are bounded: the routes
// are the API's own, unknown ones count under "", and codes are HTTP's.
type httpMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newHTTPMetrics(r prometheus.Registerer) *httpMetrics {
	m := &httpMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mlbridge_http_requests_total", Help: "HTTP requests answered, by route, method and status.",
		}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mlbridge_http_request_duration_seconds", Help: "Time to answer an HTTP request, by route.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2.5, 12),
		}, []string{"route"}),
	}
	r.MustRegister(m.requests, m.seconds)
	return m
}

func (m *httpMetrics) observe(e httpapi.Event) {
	m.requests.WithLabelValues(e.Route, knownMethod(e.Method), strconv.Itoa(e.Code)).Inc()
	m.seconds.WithLabelValues(e.Route).Observe(e.Elapsed.Seconds())
}

// knownMethod keeps peers from making label values up.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
		return method
	}
	return "other"
}
