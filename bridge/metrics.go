package bridge

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/bridge/histogram"
	"github.com/mlbridge/mlbridge/ipc"
)

// Running reports whether calls are being answered.
func (b *Bridge) Running() bool { return b.running.Load() }

// ServerStats gives the socket side's counters.
func (b *Bridge) ServerStats() ipc.ServerStats { return b.server.Stats() }

// Register adds the bridge's metrics to r.
func (b *Bridge) Register(r prometheus.Registerer) error {
	for _, c := range slices.Concat(b.stats.collectors, b.cache.sizes(), b.limits(), []prometheus.Collector{snapshots{b}, scoreMetrics{b}, endpointMetrics{b}}) {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// snapshots turns counters that live elsewhere into metrics when they are asked for.
type snapshots struct{ b *Bridge }

var (
	kindLabel = []string{"kind"}

	descUp       = prometheus.NewDesc("mlbridge_upstream_up", "1 while the daemon answers, 0 when it does not or has not been asked.", nil, nil)
	descFailing  = prometheus.NewDesc("mlbridge_upstream_failing", "1 for a kind whose last call to the daemon gave no usable answer.", kindLabel, nil)
	descConns    = prometheus.NewDesc("mlbridge_connections", "Open connections on the socket.", nil, nil)
	descAccepted = prometheus.NewDesc("mlbridge_connections_accepted_total", "Connections admitted.", nil, nil)
	descRefused  = prometheus.NewDesc("mlbridge_connections_refused_total", "Connections turned away.", nil, nil)
	descFaults   = prometheus.NewDesc("mlbridge_protocol_faults_total", "Connections closed for breaking the protocol.", nil, nil)
	descStuck    = prometheus.NewDesc("mlbridge_stuck_connections_total", "Connections closed for not taking their replies.", nil, nil)
	descMessages = prometheus.NewDesc("mlbridge_messages_total", "Predict messages taken.", nil, nil)
	descSlots    = prometheus.NewDesc("mlbridge_slots_total", "Questions in predict messages.", nil, nil)
	descInvalid  = prometheus.NewDesc("mlbridge_slots_invalid_total", "Questions refused as invalid.", nil, nil)
	descWhole    = prometheus.NewDesc("mlbridge_messages_refused_total", "Predict messages refused whole, none of whose questions is counted elsewhere: while draining, beyond a peer's quota, or with too many under way.", nil, nil)
	descOrphaned = prometheus.NewDesc("mlbridge_answers_orphaned_total", "Answers, and questions that were not asked any more, whose peer had hung up.", nil, nil)
	descLeftOut  = prometheus.NewDesc("mlbridge_outcome_messages_refused_total", "Outcome messages of which some were left out: they break their ranges.", nil, nil)
	descAccept   = prometheus.NewDesc("mlbridge_accept_errors_total", "Times no connection could be accepted, for want of descriptors for instance.", nil, nil)
	descBytesIn  = prometheus.NewDesc("mlbridge_socket_received_bytes_total", "Bytes read from the socket.", nil, nil)
	descBytesOut = prometheus.NewDesc("mlbridge_socket_sent_bytes_total", "Bytes written to the socket.", nil, nil)
	descTook     = prometheus.NewDesc("mlbridge_call_duration_seconds", "From a call's arrival to the end of the round that answered it, inside the bridge.", kindLabel, nil)
	descLate     = prometheus.NewDesc("mlbridge_late_answers_total", "Answers that left after their call's deadline.", kindLabel, nil)
	descBudget   = prometheus.NewDesc("mlbridge_default_budget_seconds", "Budget of a call on the socket that names none.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s snapshots) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descUp, descFailing, descConns, descAccepted, descRefused, descFaults, descStuck, descMessages, descSlots,
		descInvalid, descWhole, descOrphaned, descLeftOut, descAccept, descBytesIn, descBytesOut, descTook, descLate, descBudget,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s snapshots) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	upstream := s.b.Upstream()
	gauge(descUp, oneIf(upstream.State == UpstreamUp))
	for _, k := range ipc.Kinds {
		_, failing := upstream.failing[k]
		gauge(descFailing, oneIf(failing), k.String())
	}
	t := s.b.ServerStats()
	gauge(descConns, float64(t.Connections))
	count(descAccepted, t.Accepted)
	count(descRefused, t.Refused)
	count(descFaults, t.Faults)
	count(descStuck, t.Stuck)
	count(descMessages, t.Messages)
	count(descSlots, t.Slots)
	count(descInvalid, t.SlotsInvalid)
	count(descWhole, t.CallsRefused)
	count(descOrphaned, t.Orphaned)
	count(descLeftOut, t.OutcomesRefused)
	count(descAccept, t.AcceptErrors)
	count(descBytesIn, t.BytesIn)
	count(descBytesOut, t.BytesOut)
	gauge(descBudget, s.b.defaultBudget().Seconds())
	for i, k := range ipc.Kinds {
		kind := k.String()
		ch <- s.b.stats.took[i].Metric(descTook, s.b.stats.started, histogram.Label("kind", kind))
		count(descLate, s.b.stats.late[i].Load(), kind)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
