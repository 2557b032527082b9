package cachekey

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func workload() *ipc.WorkloadRequest {
	return &ipc.WorkloadRequest{
		AgentID: 7, HistoricalCPU: []float32{0.1, 0.2}, HistoricalMemory: []uint64{1 << 30, 1 << 31},
		TimeOfDay: 0, DayOfWeek: 3, CurrentCPU: 0.2, CurrentMemory: 1 << 31,
	}
}

func TestCloseInputsAreTheSameQuestion(t *testing.T) {
	a, b := workload(), workload()
	b.CurrentCPU += 1.0 / 1024
	b.CurrentMemory += 1 << 20
	if Of(a) != Of(b) {
		t.Errorf("Of(%+v) != Of(%+v), want the same key within a quantum", a, b)
	}
}

func TestEveryFieldTellsQuestionsApart(t *testing.T) {
	changes := map[string]func(q *ipc.WorkloadRequest){
		"agent":           func(q *ipc.WorkloadRequest) { q.AgentID++ },
		"cpu":             func(q *ipc.WorkloadRequest) { q.HistoricalCPU[0] += 0.1 },
		"shorter history": func(q *ipc.WorkloadRequest) { q.HistoricalCPU = q.HistoricalCPU[:1] },
		"memory":          func(q *ipc.WorkloadRequest) { q.CurrentMemory *= 2 },
		"hour":            func(q *ipc.WorkloadRequest) { q.TimeOfDay = 12 },
		"weekday":         func(q *ipc.WorkloadRequest) { q.DayOfWeek = 4 },
		"gpu at zero":     func(q *ipc.WorkloadRequest) { q.CurrentGPU = ipc.Some[float32](0) },
	}
	for name, change := range changes {
		a, b := workload(), workload()
		change(b)
		if Of(a) == Of(b) {
			t.Errorf("%s: the changed question has the same key", name)
		}
	}
}

func TestKindsDiffer(t *testing.T) {
	seen := map[uint64]ipc.Kind{}
	for _, k := range ipc.Kinds {
		h := Inputs(ipc.NewRequest(k))
		if other, ok := seen[h]; ok {
			t.Errorf("empty requests of %v and %v have the same hash", k, other)
		}
		seen[h] = k
	}
}

func TestOfAllocatesNothing(t *testing.T) {
	var q ipc.Request = workload()
	if n := testing.AllocsPerRun(100, func() { Of(q) }); n != 0 {
		t.Errorf("Of: %v allocations, want 0", n)
	}
}

func BenchmarkOf(b *testing.B) {
	q := workload()
	q.HistoricalCPU = make([]float32, ipc.MaxWorkloadHistory)
	q.HistoricalMemory = make([]uint64, ipc.MaxWorkloadHistory)
	var r ipc.Request = q
	for b.Loop() {
		Of(r)
	}
}
