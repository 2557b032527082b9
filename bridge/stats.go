package bridge

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/bridge/histogram"
	"github.com/mlbridge/mlbridge/ipc"
)

// stats counts what the bridge does, as Prometheus metrics. The children are
// looked up once, so that counting on the hot path is one atomic addition.
type stats struct {
	answers   [len(ipc.Kinds)][len(ipc.Sources)]prometheus.Counter
	reasons   [len(ipc.Reasons)]prometheus.Counter
	took      [len(ipc.Kinds)]histogram.Histogram
	late      [len(ipc.Kinds)]atomic.Uint64 // written by the loop alone
	exchanges [len(ipc.Kinds)]prometheus.Counter
	questions [len(ipc.Kinds)]prometheus.Counter
	failures  [len(ipc.Kinds)]prometheus.Counter
	retries   [len(ipc.Kinds)]prometheus.Counter
	invalid   [len(ipc.Kinds)]prometheus.Counter

	// What the round's answers came to; added to the rest at its end.
	round [len(ipc.Kinds)][]times
	tally [len(ipc.Kinds)][len(ipc.Sources)]uint64

	cache cacheStats
	load  loadStats

	started    time.Time
	collectors []prometheus.Collector
}

// times are those of n answers: when their calls came, and by when they had to be answered.
type times struct {
	arrived, deadline ipc.Instant
	n                 uint64
}

func (s *stats) init() {
	s.started = time.Now()
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mlbridge_" + name, Help: help}, labels)
		s.collectors = append(s.collectors, v)
		return v
	}
	answers := counter("answers_total", "Answers delivered, by kind of prediction and rung of the ladder (none: refused).", "kind", "source")
	reasons := counter("fallbacks_total", "Questions that had no fresh answer of the model, refused ones included, by reason.", "reason")
	exchanges := counter("upstream_calls_total", "HTTP calls to the daemon.", "kind")
	questions := counter("upstream_questions_total", "Questions in those calls.", "kind")
	failures := counter("upstream_failures_total", "HTTP calls to the daemon that gave no usable answer.", "kind")
	retries := counter("upstream_retries_total", "Retries taken out of the retry budget.", "kind")
	invalid := counter("invalid_outputs_total", "Predictions of a model that failed validation.", "kind")
	s.cache.init(counter)
	s.load.init(counter)
	for i, k := range ipc.Kinds {
		for _, from := range ipc.Sources {
			s.answers[i][from] = answers.WithLabelValues(k.String(), from.String())
		}
		s.exchanges[i] = exchanges.WithLabelValues(k.String())
		s.questions[i] = questions.WithLabelValues(k.String())
		s.failures[i] = failures.WithLabelValues(k.String())
		s.retries[i] = retries.WithLabelValues(k.String())
		s.invalid[i] = invalid.WithLabelValues(k.String())
	}
	for _, r := range ipc.Reasons[1:] {
		s.reasons[r] = reasons.WithLabelValues(r.String())
	}
}

func (s *stats) answered(c *ipc.Call) {
	i := c.Reply.Kind - 1
	s.tally[i][c.Reply.Source]++
	if why := c.Reply.Reason; why != ipc.ReasonNone {
		s.reasons[why].Inc()
	}
	if n := len(s.round[i]); n > 0 { // the slots of one message have the same times
		if t := &s.round[i][n-1]; t.arrived == c.Arrived && t.deadline == c.Deadline {
			t.n++
			return
		}
	}
	s.round[i] = append(s.round[i], times{c.Arrived, c.Deadline, 1})
}

// endRound counts the round's answers, how long they took and which of them were late,
// with one look at the clock. In a batch of 64 an atomic addition for each answer would be
// the twentieth part of the bridge's work.
func (s *stats) endRound() {
	var now ipc.Instant
	for i, answers := range s.round {
		if len(answers) == 0 {
			continue
		}
		if now == 0 {
			now = ipc.Now()
		}
		for _, t := range answers {
			s.took[i].ObserveMany(now.Sub(t.arrived), t.n)
			if now > t.deadline {
				s.late[i].Store(s.late[i].Load() + t.n)
			}
		}
		for from, n := range s.tally[i] {
			if n > 0 {
				s.answers[i][from].Add(float64(n))
			}
		}
		s.tally[i] = [len(ipc.Sources)]uint64{}
		s.round[i] = answers[:0]
	}
}

// refused counts a call that insisted on a model and got none.
func (s *stats) refused(c *ipc.Call, why ipc.Reason) {
	s.answers[c.Request.Kind()-1][ipc.SourceNone].Inc()
	s.reasons[why].Inc()
}

func (s *stats) failure(k ipc.Kind)         { s.failures[k-1].Inc() }
func (s *stats) retry(k ipc.Kind)           { s.retries[k-1].Inc() }
func (s *stats) invalidOutput(k ipc.Kind)   { s.invalid[k-1].Inc() }
func (s *stats) exchange(k ipc.Kind, n int) { s.exchanges[k-1].Inc(); s.questions[k-1].Add(float64(n)) }
