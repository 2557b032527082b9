package rules_test

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

func TestWorkloadShare(t *testing.T) {
	for _, c := range []struct {
		line    string
		history []float32
		want    float32
	}{
		{"calm: the mean", []float32{0.50, 0.52, 0.54}, 0.52},
		{"calm and rising: still the mean", []float32{0.1, 0.2, 0.3}, 0.2},
		{"one value", []float32{0.7}, 0.7},
		{"deviation just below 0.1: the mean", []float32{0.1, 0.299}, 0.1995},
		{"deviation above 0.1: the last", []float32{0.1, 0.301}, 0.301},
		{"wild, last three rise: a tenth more", []float32{0.1, 0.3, 0.5}, 0.55},
		{"wild, rise of two: the last", []float32{0.6, 0.1, 0.5}, 0.5},
		{"wild, a step without a rise: the last", []float32{0.1, 0.5, 0.5}, 0.5},
		{"wild, rise before the last three counts not", []float32{0.1, 0.3, 0.5, 0.2}, 0.2},
		{"rise is clamped", []float32{0.2, 0.5, 0.95}, 1},
		{"zeros are readings", []float32{0.9, 0.5, 0}, 0},
	} {
		q := &ipc.WorkloadRequest{HistoricalCPU: c.history, HistoricalGPU: c.history, CurrentCPU: c.history[len(c.history)-1]}
		q.CurrentGPU = ipc.Some(q.CurrentCPU)
		var p ipc.WorkloadPrediction
		rules.Workload(q, &p)
		if math.Abs(float64(p.CPU-c.want)) > 1e-6 {
			t.Errorf("%s: cpu of %v = %v, want %v", c.line, c.history, p.CPU, c.want)
		}
		if !p.GPU.Valid || p.GPU.Value != p.CPU {
			t.Errorf("%s: gpu of %v = %+v, want the same as the cpu, %v", c.line, c.history, p.GPU, p.CPU)
		}
	}
}

func TestWorkloadWithoutHistory(t *testing.T) {
	var p ipc.WorkloadPrediction
	rules.Workload(&ipc.WorkloadRequest{CurrentCPU: 0.3, CurrentMemory: 1<<53 + 1}, &p)
	if p.CPU != 0.3 || p.Memory != 1<<53+1 || p.GPU.Valid {
		t.Errorf("no history = %+v, want the current values and no gpu", p)
	}
	rules.Workload(&ipc.WorkloadRequest{HistoricalGPU: []float32{0.4}}, &p)
	if p.GPU != ipc.Some[float32](0.4) {
		t.Errorf("gpu history without a current reading = %+v, want its last value", p.GPU)
	}
}

func TestWorkloadMemoryIsExact(t *testing.T) {
	const top = math.MaxUint64
	for _, c := range []struct {
		history      []uint64
		want, origin uint64
	}{
		{[]uint64{0}, 0, 0},
		{[]uint64{5, 5, 5}, 5, 5},
		{[]uint64{10, 20, 30}, 30, 33},
		{[]uint64{10, 20, 39}, 39, 42}, // a tenth rounds down
		{[]uint64{1, 1<<53 + 1}, 1<<53 + 1, 1<<53 + 1},
		{[]uint64{1, 2, 1<<53 + 1}, 1<<53 + 1, 1<<53 + 1 + (1<<53+1)/10},
		{[]uint64{top - 2, top - 1, top}, top, top},
		{[]uint64{1, 2, top / 11 * 10}, top / 11 * 10, top / 11 * 11},
		{[]uint64{top, top, top}, top, top},
		{[]uint64{30, 20, 10}, 10, 10},
	} {
		q := &ipc.WorkloadRequest{HistoricalMemory: c.history, CurrentMemory: c.history[len(c.history)-1]}
		var p, o ipc.WorkloadPrediction
		rules.Workload(q, &p)
		rules.OriginWorkload(q, &o)
		if p.Memory != c.want || o.Memory != c.origin {
			t.Errorf("memory of %d = %d and origin %d, want %d and %d", c.history, p.Memory, o.Memory, c.want, c.origin)
		}
	}
}

func TestWorkloadConfidenceGrowsWithSamples(t *testing.T) {
	for _, deviation := range []float32{0, 0.02, 0.08, 0.3} {
		last := float32(-1)
		for n := 2; n <= ipc.MaxWorkloadHistory; n += 2 {
			if n == 2 && deviation != 0 {
				continue // too short for a deviation
			}
			q := new(ipc.WorkloadRequest)
			for i := range n {
				q.HistoricalCPU = append(q.HistoricalCPU, 0.5+deviation*float32(1-2*(i%2)))
			}
			var p ipc.WorkloadPrediction
			rules.Workload(q, &p)
			if p.Confidence <= last {
				t.Errorf("deviation %v: confidence %v with %d samples, want more than %v", deviation, p.Confidence, n, last)
			}
			last = p.Confidence
		}
	}
}

func TestWorkloadConfidenceFallsWithDeviation(t *testing.T) {
	last := float32(2)
	for _, deviation := range []float32{0, 0.02, 0.08, 0.3} {
		q := &ipc.WorkloadRequest{HistoricalCPU: []float32{0.5 - deviation, 0.5 + deviation, 0.5 - deviation, 0.5 + deviation}}
		var p ipc.WorkloadPrediction
		rules.Workload(q, &p)
		if p.Confidence >= last {
			t.Errorf("deviation %v: confidence %v, want less than %v", deviation, p.Confidence, last)
		}
		last = p.Confidence
	}
}
