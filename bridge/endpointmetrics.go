package bridge

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/ipc"
)

// endpointMetrics tells the state of every endpoint when it is asked.
type endpointMetrics struct{ b *Bridge }

var (
	descEndpoint = prometheus.NewDesc("mlbridge_endpoint_up", "1 while the upstream answers, 0 when it does not or has not been asked.", []string{"upstream"}, nil)
	descBreaker  = prometheus.NewDesc("mlbridge_breaker_state", "State of the circuit breaker of an upstream and a kind: 0 closed, 1 half-open, 2 open.", []string{"upstream", "kind"}, nil)
)

var breakerNumbers = map[string]float64{"closed": 0, "half-open": 1, "open": 2}

// Describe implements prometheus.Collector.
func (m endpointMetrics) Describe(ch chan<- *prometheus.Desc) { ch <- descEndpoint; ch <- descBreaker }

// Collect implements prometheus.Collector.
func (m endpointMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, e := range m.b.state.Load().Endpoints {
		ch <- prometheus.MustNewConstMetric(descEndpoint, prometheus.GaugeValue, oneIf(e.State == UpstreamUp), e.Target)
		for i, k := range ipc.Kinds {
			ch <- prometheus.MustNewConstMetric(descBreaker, prometheus.GaugeValue, breakerNumbers[e.Breaker[i]], e.Target, k.String())
		}
	}
}
