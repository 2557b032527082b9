package bridge

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/ipc"
)

// loadStats counts what was shed, by kind and class.
type loadStats struct {
	shed [len(ipc.Kinds)][ipc.ClassHigh + 1]prometheus.Counter
}

func (s *loadStats) init(counter func(name, help string, labels ...string) *prometheus.CounterVec) {
	shed := counter("shed_total", "Questions that were not let wait for the model because too many did, by class.", "kind", "class")
	for i, k := range ipc.Kinds {
		for _, c := range ipc.Classes {
			s.shed[i][c] = shed.WithLabelValues(k.String(), c.String())
		}
	}
}

// limits tells, when it is asked, how many questions of every kind may wait.
func (b *Bridge) limits() (out []prometheus.Collector) {
	for i, k := range ipc.Kinds {
		m := &b.lanes[i].limiter
		out = append(out, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mlbridge_admission_limit", Help: "Questions that may wait for the model before others are shed.",
			ConstLabels: prometheus.Labels{"kind": k.String()},
		}, func() float64 { return float64(m.shown.Load()) }))
	}
	of := func(name, help string, count func(ipc.ServerStats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "mlbridge_" + name + "_total", Help: help},
			func() float64 { return float64(count(b.server.Stats())) })
	}
	return append(out,
		of("over_quota", "Connections and messages refused for their peer's quota or share.", func(s ipc.ServerStats) uint64 { return s.OverQuota }),
		of("connection_rests", "Times a connection was not read for a while, because its peer asks much and others were asking.", func(s ipc.ServerStats) uint64 { return s.Rests }),
		of("accept_rests", "Times no connection was accepted for a while, because a peer connects too fast and others were asking.", func(s ipc.ServerStats) uint64 { return s.Storms }),
	)
}
