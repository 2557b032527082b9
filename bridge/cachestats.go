package bridge

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/ipc"
)

// cacheStats counts what the cache does besides answering.
type cacheStats struct {
	refreshes [len(ipc.Kinds)]prometheus.Counter
	negatives [len(ipc.Kinds)]prometheus.Counter
	verdicts  [len(ipc.Kinds)][verdictChanged + 1]prometheus.Counter // none: nil
}

func (s *cacheStats) init(counter func(name, help string, labels ...string) *prometheus.CounterVec) {
	refreshes := counter("cache_refreshes_total", "Questions asked anew behind an answer that was given from the cache.", "kind")
	negatives := counter("cache_negative_hits_total", "Questions not asked because the model could not answer them just before.", "kind")
	verdicts := counter("cache_revalidations_total", "New answers to a question that had one, by whether they agreed with it.", "kind", "result")
	for i, k := range ipc.Kinds {
		s.refreshes[i] = refreshes.WithLabelValues(k.String())
		s.negatives[i] = negatives.WithLabelValues(k.String())
		s.verdicts[i][verdictAgreed] = verdicts.WithLabelValues(k.String(), "agreed")
		s.verdicts[i][verdictChanged] = verdicts.WithLabelValues(k.String(), "changed")
	}
}

// kept counts how a new answer compared with the one before.
func (s *cacheStats) kept(k ipc.Kind, v verdict) {
	if v != verdictNone {
		s.verdicts[k-1][v].Inc()
	}
}

// sizes tells what the cache takes when it is asked.
func (c *cache) sizes() []prometheus.Collector {
	gauge := func(name, help string, v func() int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "mlbridge_cache_" + name, Help: help},
			func() float64 { return float64(v()) })
	}
	return []prometheus.Collector{
		gauge("subjects", "Subjects whose last answer is kept.", c.n.Load),
		gauge("bytes", "Memory that the answers kept take, at the worst.", c.size.Load),
	}
}
