package bridge

import (
	"math"
	"math/bits"
	"sync"

	"github.com/mlbridge/mlbridge/ipc"
)

// drift tells whether a kind's questions still look as they did at first: a model that
// did well then need not do well on others. It compares histograms of a few numbers of
// the question by the population stability index, Σ (p−q)·ln(p/q), which is 0 for
// equal ones; above 0.25 counts as a shift by a rule of thumb that is as old as the
// index (Siddiqi, Credit Risk Scorecards, 2006).
//
// It only tells. What decides about a model is how well it does.
type drift struct {
	calls uint32
	mu    sync.Mutex // for readers; the loop alone writes
	first [driftInputs]histogram16
	now   [driftInputs]histogram16
	seen  int  // samples of first, then of now
	known bool // first is whole
	index [driftInputs]float64
}

// histogram16 counts values of [0, 1).
type histogram16 [16]uint32

const (
	driftInputs = 3
	driftEvery  = 16   // questions between samples
	driftFirst  = 2048 // samples that everything later is compared with
	driftRecent = 512  // samples that are compared with them
	// DriftLimit is the index above which an input counts as drifted.
	DriftLimit = 0.25
)

// driftNames are the numbers looked at, by kind.
var driftNames = [len(ipc.Kinds)][driftInputs]string{
	{"current_cpu", "cpu_step", "current_memory"},
	{"syscall_count", "anomaly_count", "network_activity"},
	{"health_score", "health_step", "trend"},
	{"page_step", "locality_score", "access_type"},
}

// look takes one question in driftEvery.
func (d *drift) look(q ipc.Request) {
	if d.calls++; d.calls%driftEvery == 0 {
		d.sample(q)
	}
}

func (d *drift) sample(q ipc.Request) {
	v := driftValues(q)
	d.mu.Lock()
	defer d.mu.Unlock()
	into, want := &d.now, driftRecent
	if !d.known {
		into, want = &d.first, driftFirst
	}
	for i := range v {
		into[i][min(max(int(v[i]*16), 0), 15)]++
	}
	if d.seen++; d.seen < want {
		return
	}
	d.seen = 0
	if !d.known {
		d.known = true
		return
	}
	for i := range d.index {
		d.index[i] = stability(&d.first[i], &d.now[i])
	}
	d.now = [driftInputs]histogram16{}
}

// restart takes the questions from now on as the first.
func (d *drift) restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.first, d.now, d.index = [driftInputs]histogram16{}, [driftInputs]histogram16{}, [driftInputs]float64{}
	d.seen, d.known = 0, false
}

// driftValues brings the numbers to [0, 1).
func driftValues(q ipc.Request) [driftInputs]float32 {
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		step := float32(0)
		if n := len(q.HistoricalCPU); n > 1 {
			step = q.HistoricalCPU[n-1] - q.HistoricalCPU[n-2]
		}
		return [...]float32{q.CurrentCPU, 0.5 + step/2, size(q.CurrentMemory)}
	case *ipc.ThreatRequest:
		return [...]float32{size(q.Metrics.SyscallCount), float32(len(q.Anomalies)) / ipc.MaxAnomalies, size(q.Metrics.NetworkActivity)}
	case *ipc.FailureRequest:
		step := float32(0)
		if n := len(q.HistoricalHealth); n > 1 {
			step = q.HistoricalHealth[n-1] - q.HistoricalHealth[n-2]
		}
		return [...]float32{q.HealthScore, 0.5 + step/2, float32(q.Trend+2) / 4}
	case *ipc.MemoryRequest:
		step, kind := uint64(0), float32(0)
		if n := len(q.AccessHistory); n > 1 {
			a, b := q.AccessHistory[n-1]>>pageShift, q.AccessHistory[n-2]>>pageShift
			step = max(a, b) - min(a, b)
		}
		if n := len(q.AccessTypes); n > 0 {
			kind = float32(q.AccessTypes[n-1]) / 3
		}
		return [...]float32{size(step), q.LocalityScore, kind}
	}
	return [driftInputs]float32{}
}

// size is the number of bits of v as a share.
func size(v uint64) float32 { return float32(bits.Len64(v)) / 65 }

// stability is the index of two histograms, with half a count in every bin, so that an
// empty one is not infinitely far from one with a single value.
func stability(a, b *histogram16) float64 {
	var na, nb float64
	for i := range a {
		na += float64(a[i]) + 0.5
		nb += float64(b[i]) + 0.5
	}
	sum := 0.0
	for i := range a {
		p, q := (float64(a[i])+0.5)/na, (float64(b[i])+0.5)/nb
		sum += (p - q) * math.Log(p/q)
	}
	return sum
}

// Drift is how far an input's recent distribution is from the first.
type Drift struct {
	Input string
	Index float64 // population stability index; 0 until enough was seen
}

// Drifted reports whether the index is above DriftLimit.
func (d Drift) Drifted() bool { return d.Index > DriftLimit }

func (d *drift) snapshot(k ipc.Kind) []Drift {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]Drift, driftInputs)
	for i := range list {
		list[i] = Drift{Input: driftNames[k-1][i], Index: d.index[i]}
	}
	return list
}
