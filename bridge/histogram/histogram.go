// Package histogram counts durations on a hot path and gives them to Prometheus as
// native and as classic histogram, and to the live page as quantiles.
//
// The buckets are those of a native histogram of schema 3: bucket k counts values in
// (2^((k-1)/8), 2^(k/8)] seconds, so each is 9 % wider than the one before and a
// quantile is wrong by at most that. (Prometheus: Native histograms, specification,
// section "Exponential schemas".) They reach from 1 µs to 64 s; what is shorter or
// longer counts in the outermost.
//
// A histogram has one writer, the event loop, and any number of readers: counting
// needs no locked additions and takes a third of the time of the library's histogram,
// which many may write (BenchmarkObserve, BenchmarkLibrary).
package histogram

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

const (
	schema    = 3
	perOctave = 1 << schema
	first     = -20 * perOctave // 2^-20 s, 0.95 µs
	last      = 6 * perOctave   // 64 s
	size      = last - first + 1
)

// fractions are the mantissas of 2^(j/8) for j = 1..7.
var fractions = func() (f [perOctave - 1]uint64) {
	for j := range f {
		f[j] = math.Float64bits(math.Exp2(float64(j+1)/perOctave)) & mantissa
	}
	return f
}()

const mantissa = 1<<52 - 1

// Histogram counts durations. The zero value is ready.
type Histogram struct {
	counts [size]atomic.Uint64
	sum    atomic.Uint64 // ns

	exemplars [size]atomic.Pointer[exemplar]
}

// exemplar is a traced duration of a bucket.
type exemplar struct {
	took  time.Duration
	at    time.Time
	trace string
}

// Exemplify names the trace of a duration that was, or will be, counted: metrics show
// the last of each classic bucket. It allocates, as whatever is traced does.
func (h *Histogram) Exemplify(d time.Duration, trace string) {
	if trace != "" {
		h.exemplars[bucket(max(d, 0))].Store(&exemplar{max(d, 0), time.Now(), trace})
	}
}

// Observe counts d. One goroutine at a time may call it; negative durations count as 0.
func (h *Histogram) Observe(d time.Duration) { h.ObserveMany(d, 1) }

// ObserveMany counts d n times, likewise.
func (h *Histogram) ObserveMany(d time.Duration, n uint64) {
	d = max(d, 0)
	count := &h.counts[bucket(d)]
	count.Store(count.Load() + n)
	h.sum.Store(h.sum.Load() + n*uint64(d))
}

// bucket gives the place of d.
func bucket(d time.Duration) int {
	if d <= time.Microsecond/2 {
		return 0
	}
	bits := math.Float64bits(float64(d) * 1e-9)
	key := (int(bits>>52) - 1023) * perOctave
	if m := bits & mantissa; m != 0 { // a power of two is the upper end of its bucket
		key++
		for _, f := range fractions {
			key += int((f - m) >> 63) // 1 when f < m, without a branch to guess
		}
	}
	return min(max(key, first), last) - first
}

// upper gives the upper end of the bucket at place i, in seconds.
func upper(i int) float64 { return math.Exp2(float64(i+first) / perOctave) }

// Counts are a histogram at one moment, or what it counted between two.
type Counts struct {
	N   uint64
	Sum time.Duration
	n   [size]uint64
}

// Read takes the counts. Any goroutine may call it.
func (h *Histogram) Read(c *Counts) {
	c.N, c.Sum = 0, time.Duration(h.sum.Load())
	for i := range c.n {
		c.n[i] = h.counts[i].Load()
		c.N += c.n[i]
	}
}

// Add puts other's counts to c's.
func (c *Counts) Add(other *Counts) {
	c.N += other.N
	c.Sum += other.Sum
	for i := range c.n {
		c.n[i] += other.n[i]
	}
}

// Sub takes an earlier moment's counts off c's.
func (c *Counts) Sub(earlier *Counts) {
	c.N -= earlier.N
	c.Sum -= earlier.Sum
	for i := range c.n {
		c.n[i] -= earlier.n[i]
	}
}

// Quantile gives the duration that a share q in [0,1] of the counted did not exceed,
// the upper end of its bucket; 0 when nothing was counted.
func (c *Counts) Quantile(q float64) time.Duration {
	if c.N == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(c.N)))
	rank = min(max(rank, 1), c.N)
	i := slices.IndexFunc(c.n[:], func(n uint64) bool {
		if rank <= n {
			return true
		}
		rank -= n
		return false
	})
	return time.Duration(upper(i) * 1e9)
}
