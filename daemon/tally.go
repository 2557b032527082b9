package daemon

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/ipc"
)

// maxLatency is the longest latency the histogram tells apart; what takes longer
// counts as this.
const maxLatency = 60 * time.Second

// tally counts what happened to the calls of one kind. Recording is a lock, three
// additions and a histogram increment; percentiles are worked out on reading.
type tally struct {
	mu      sync.Mutex
	since   time.Time // of the last reset
	calls   uint64
	ok      uint64                  // predictions
	errors  uint64                  // slots without one, and calls that could not be read
	latency *hdrhistogram.Histogram // ns per call, two significant digits
	seconds prometheus.Histogram    // the same for Prometheus; another after a reset

	kind ipc.Kind
}

func newTally(k ipc.Kind) *tally {
	return &tally{since: time.Now(), latency: hdrhistogram.New(1, int64(maxLatency), 2), seconds: newSeconds(k), kind: k}
}

// newSeconds makes a histogram that is native, with buckets 9 % wide, and classic. It
// takes 70 ns a call, of the 10 µs and more that a call takes.
func newSeconds(k ipc.Kind) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "mld_call_duration_seconds", Help: "Time from a call's body read to its answer, by kind.",
		ConstLabels: prometheus.Labels{"kind": k.String()},
		Buckets:     latencyBounds, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
	})
}

// record counts a call that reached the model.
func (t *tally) record(ok, failed int, took time.Duration) {
	t.mu.Lock()
	t.calls++
	t.ok += uint64(ok)
	t.errors += uint64(failed)
	// RecordValue fails only above the range, which min excludes.
	_ = t.latency.RecordValue(int64(min(took, maxLatency)))
	t.seconds.Observe(took.Seconds())
	t.mu.Unlock()
}

// refuse counts a call that could not be read.
func (t *tally) refuse() { t.fail(1) }

// fail counts a call none of whose n questions was asked.
func (t *tally) fail(n int) {
	t.mu.Lock()
	t.calls++
	t.errors += uint64(n)
	t.mu.Unlock()
}

func (t *tally) reset() {
	t.mu.Lock()
	t.calls, t.ok, t.errors, t.since = 0, 0, 0, time.Now()
	t.latency.Reset()
	t.seconds = newSeconds(t.kind)
	t.mu.Unlock()
}

// snapshot is a tally at one moment.
type snapshot struct {
	since             time.Time
	calls, ok, errors uint64
	latency           *hdrhistogram.Histogram
	seconds           prometheus.Histogram
}

func (t *tally) snapshot() snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return snapshot{since: t.since, calls: t.calls, ok: t.ok, errors: t.errors, latency: t.latency.Clone(), seconds: t.seconds}
}
