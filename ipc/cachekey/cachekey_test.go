package cachekey

import (
	"math"
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
		"cpu past":        func(q *ipc.WorkloadRequest) { q.CPUPast = []float32{1} },
		"other cpu past":  func(q *ipc.WorkloadRequest) { q.CPUPast = []float32{1.01} },
		"memory past":     func(q *ipc.WorkloadRequest) { q.MemoryPast = []float32{1} },
		"gpu past":        func(q *ipc.WorkloadRequest) { q.GPUPast = []float32{1} },
		"all pasts": func(q *ipc.WorkloadRequest) {
			q.CPUPast, q.MemoryPast, q.GPUPast = []float32{1}, []float32{1}, []float32{1}
		},
	}
	seen := map[Key]string{Of(workload()): "the unchanged question"}
	for name, change := range changes {
		q := workload()
		change(q)
		if other, ok := seen[Of(q)]; ok {
			t.Errorf("%s: the same key as %s", name, other)
		}
		seen[Of(q)] = name
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

// TestQuantaAreThoseOfTheTable walks up every scale and counts the steps.
func TestQuantaAreThoseOfTheTable(t *testing.T) {
	steps := map[uint64]bool{}
	for i := range 1 << 14 {
		steps[unit(float32(i)/(1<<14-1))] = true
	}
	if len(steps) != 129 || steps[noUnit] {
		t.Errorf("unit has %d codes from 0 to 1 (one of them none: %v), want 129", len(steps), steps[noUnit])
	}
	for _, v := range []float32{-0.5, 2.1, 1e30, -1e30} {
		if got := unit(v); got != noUnit {
			t.Errorf("unit(%v) = %d, want none", v, got)
		}
	}
	clear(steps)
	for v := uint64(1 << 20); v < 1<<21; v += 1 << 10 {
		steps[size(v)] = true
		if lo, hi := size(v), size(v+v/15); lo == hi {
			t.Errorf("size(%d) = size(%d): more than 6 %% apart", v, v+v/15)
		}
	}
	if len(steps) != 16 {
		t.Errorf("size has %d codes between two powers of two, want 16", len(steps))
	}
	for a := range uint64(64) { // small numbers, 0 among them, are exact up to 5 bits
		for b := range a {
			if a < 32 && size(a) == size(b) {
				t.Errorf("size(%d) = size(%d)", a, b)
			}
		}
	}
	if size(1<<63) == size(1<<62) || size(1<<64-1) == size(1<<63) {
		t.Error("the top of the range is not told apart")
	}
	clear(steps)
	for v := uint64(1024); v < 2048; v++ {
		steps[span(v)] = true
	}
	if len(steps) != 2 || span(0) == span(1) || span(1) == span(2) || span(math.MaxUint64) == span(1<<62) {
		t.Errorf("span has %d codes between two powers of two, want 2", len(steps))
	}
	if reading(1) == reading(1.01) || reading(1) != reading(1.001) || reading(-1) == reading(1) {
		t.Error("reading does not keep 8 significant bits and the sign")
	}
	var zero float32
	if reading(-zero) != reading(zero) {
		t.Error("-0 is another reading than 0")
	}
}

// TestEveryPlaceOfEveryListTells changes one value at a time.
func TestEveryPlaceOfEveryListTells(t *testing.T) {
	type lists struct {
		units, readings []float32
		sizes, pages    []uint64
		small           []uint8
	}
	sum := func(l *lists) hash {
		var h hash
		h.units(l.units)
		h.readings(l.readings)
		h.sizes(l.sizes)
		h.pages(l.pages)
		h.small(l.small)
		return h
	}
	for n := range 21 {
		l := lists{make([]float32, n), make([]float32, n), make([]uint64, n), make([]uint64, n), make([]uint8, n)}
		seen := map[hash]string{sum(&l): "all zero"}
		check := func(what string) {
			if other, ok := seen[sum(&l)]; ok {
				t.Errorf("%d values: %s hashes like %s", n, what, other)
			}
			seen[sum(&l)] = what
		}
		for i := range n {
			l.units[i] = 1
			check("a unit")
			l.units[i], l.readings[i] = 0, 1
			check("a reading")
			l.readings[i], l.sizes[i] = 0, 1
			check("a size")
			l.sizes[i], l.pages[i] = 0, 4096
			check("a page")
			l.pages[i], l.small[i] = 0, 1
			check("a small one")
			l.small[i] = 0
		}
		longer := lists{append(l.units, 0), l.readings, l.sizes, l.pages, l.small}
		if _, ok := seen[sum(&longer)]; ok {
			t.Errorf("%d and %d units of 0 hash alike", n, n+1)
		}
	}
}
