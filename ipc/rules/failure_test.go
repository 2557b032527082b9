package rules_test

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

func failure(change func(q *ipc.FailureRequest)) (p ipc.FailurePrediction) {
	q := &ipc.FailureRequest{Component: "disk", HealthScore: 1}
	change(q)
	rules.Failure(q, &p)
	return p
}

func TestFailureProbability(t *testing.T) {
	below := func(v float32) float32 { return math.Nextafter32(v, 0) }
	for _, c := range []struct{ health, want float32 }{
		{0, 0.9},
		{below(0.3), 0.9},
		{0.3, 0.6},
		{below(0.5), 0.6},
		{0.5, 0.3},
		{below(0.7), 0.3},
		{0.7, 0.1},
		{1, 0.1},
	} {
		if got := failure(func(q *ipc.FailureRequest) { q.HealthScore = c.health }).Probability; got != c.want {
			t.Errorf("probability at health %v = %v, want %v", c.health, got, c.want)
		}
	}
}

func TestFailureTime(t *testing.T) {
	for trend, want := range map[int8]ipc.Optional[uint64]{
		ipc.TrendCritical:  ipc.Some[uint64](60_000_000_000),
		ipc.TrendDegrading: ipc.Some[uint64](300_000_000_000),
		ipc.TrendStable:    {},
		ipc.TrendImproving: {},
	} {
		if got := failure(func(q *ipc.FailureRequest) { q.Trend = trend }).PredictedTime; got != want {
			t.Errorf("time at trend %d = %+v, want %+v", trend, got, want)
		}
	}
}

func TestFailureConfidence(t *testing.T) {
	for set, want := range []float32{0.4, 0.4, 0.4, 0.6, 0.6, 0.8, 0.8} {
		flags := make([]uint8, ipc.MaxFailureHistory)
		for i := range set {
			flags[len(flags)-1-i] = 1
		}
		if got := failure(func(q *ipc.FailureRequest) { q.FailureHistory = flags }).Confidence; got != want {
			t.Errorf("confidence with %d flags set = %v, want %v", set, got, want)
		}
	}
}

func TestFailureType(t *testing.T) {
	for name, want := range map[string]uint8{
		"memory": ipc.FailureMemory, "MemoryController": ipc.FailureMemory, "shared-memory-service": ipc.FailureMemory,
		"cpu": ipc.FailureCPU, "CPU0": ipc.FailureCPU, "io": ipc.FailureIO, "disk_io": ipc.FailureIO, "IO2": ipc.FailureIO,
		"network": ipc.FailureNetwork, "network-service": ipc.FailureNetwork, "service": ipc.FailureService,
		"session-service": ipc.FailureService, "audio": ipc.FailureKernel, "scheduler": ipc.FailureKernel, "i": ipc.FailureKernel,
	} {
		if got := failure(func(q *ipc.FailureRequest) { q.Component = name }).Type; got != want {
			t.Errorf("type of %q = %d, want %d", name, got, want)
		}
	}
}
