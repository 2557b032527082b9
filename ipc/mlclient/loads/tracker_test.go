package loads

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// An agent that does the same every 20 intervals, longer than a request shows, is foretold.
func TestWhatCameBeforeComesAgain(t *testing.T) {
	var tr Tracker
	load := func(i int) float32 { return [...]float32{0.1, 0.5, 0.8, 0.3}[i%20/5] + float32(i%5)/100 }
	for i := range 65 {
		tr.Add(Reading{CPU: load(i)})
	}
	var q ipc.WorkloadRequest
	tr.Report(&q)
	got := q.CurrentCPU + q.CPUPast[6]
	if want := load(65); math.Abs(float64(got-want)) > 1e-6 {
		t.Errorf("after the moment most like this one came %v, want %v", got, want)
	}
}

// Bytes are told apart at any size, and what nobody measured is not there.
func TestBytesStayExact(t *testing.T) {
	var tr Tracker
	const high = 1<<63 + 1<<62
	for i := range uint64(40) {
		tr.Add(Reading{Memory: high + i%2})
	}
	var q ipc.WorkloadRequest
	tr.Report(&q)
	if q.CurrentMemory != high+1 || q.HistoricalMemory[0] != high {
		t.Errorf("memory %d … %d", q.HistoricalMemory[0], q.CurrentMemory)
	}
	if q.MemoryPast[0] != 1 || q.MemoryPast[6] != -1 || q.MemoryPast[5] != -1 {
		t.Errorf("step %v, next %v, steps in a row %v; want 1, -1, -1", q.MemoryPast[0], q.MemoryPast[6], q.MemoryPast[5])
	}
	if len(q.GPUPast) != 0 || len(q.HistoricalGPU) != 0 || q.CurrentGPU.Valid {
		t.Errorf("a gpu that was never measured: %+v", q)
	}
}

// A distance of more than 2^63 bytes is not one below 0.
func TestBytesAreAnyDistanceApart(t *testing.T) {
	var s Series
	for i := range 30 {
		s.AddBytes([...]uint64{1, math.MaxUint64, 1 << 63}[i%3])
	}
	// The current value is 2^63; what followed it last is 1, and before that 2^64-1.
	if p := s.AppendPast(nil); p[6] != -1<<63 || p[11] != 0 {
		t.Errorf("after 2^63 came 1, %v away (the moment %v off), want -2^63 and 0", p[6], p[11])
	}
	s.AddBytes(1)
	if p := s.AppendPast(nil); p[6] != 1<<64 {
		t.Errorf("after 1 came 2^64-1, %v away, want 2^64", p[6])
	}
}

func TestABreakBeginsTheWindowAnew(t *testing.T) {
	var tr Tracker
	var q ipc.WorkloadRequest
	add := func(n int) {
		for i := range n {
			odd := float32(i % 2)
			tr.Add(Reading{CPU: odd / 2, Memory: uint64(i % 2), GPU: ipc.Some(odd / 4)})
		}
		tr.Report(&q)
	}
	add(10)
	if len(q.HistoricalCPU) != 10 || len(q.CPUPast) != 0 {
		t.Errorf("ten readings: history of %d, past of %d; want 10 and none", len(q.HistoricalCPU), len(q.CPUPast))
	}
	add(1)
	if len(q.CPUPast) != Width || len(q.MemoryPast) != Width || len(q.GPUPast) != Width {
		t.Errorf("eleven readings: pasts of %d, %d, %d, want %d each", len(q.CPUPast), len(q.MemoryPast), len(q.GPUPast), Width)
	}
	tr.Break()
	tr.Report(&q)
	if len(q.HistoricalCPU) != 0 || len(q.CPUPast) != 0 || q.CurrentCPU != 0 || q.CurrentGPU.Valid {
		t.Errorf("after a break: %+v", q)
	}
	add(9)
	if len(q.HistoricalGPU) != 9 || len(q.GPUPast) != 0 {
		t.Errorf("nine after a break: history of %d, past of %d; want 9 and none", len(q.HistoricalGPU), len(q.GPUPast))
	}
	add(1)
	if len(q.GPUPast) != Width {
		t.Error("ten after a break: no past")
	}
	tr.Add(Reading{CPU: 0.5, Memory: 1})
	tr.Report(&q)
	if len(q.HistoricalGPU) != 0 || len(q.GPUPast) != 0 || len(q.HistoricalCPU) != 10 {
		t.Errorf("an interval without a gpu: gpu history of %d, cpu's of %d; want none and 10", len(q.HistoricalGPU), len(q.HistoricalCPU))
	}
}

// An agent that was busy once and idles since asks the same from interval to interval,
// though its averages fade; each signal is looked at by itself.
func TestWhatStandsStillHasNoPast(t *testing.T) {
	var tr Tracker
	report := func(cpu float32, memory uint64) (q ipc.WorkloadRequest) {
		tr.Add(Reading{CPU: cpu, Memory: memory})
		tr.Report(&q)
		return q
	}
	for i := range 20 {
		report(float32(i%7)/8, uint64(i%3))
	}
	for i := range 9 {
		if q := report(0.25, uint64(i%3)); len(q.CPUPast) != Width || len(q.MemoryPast) != Width {
			t.Fatalf("idle for %d intervals, the readings of before shown: pasts of %d and %d", i+1, len(q.CPUPast), len(q.MemoryPast))
		}
	}
	if q := report(0.25, 5); len(q.CPUPast) != 0 || len(q.MemoryPast) != Width {
		t.Errorf("the cpu idle for ten intervals: pasts of %d and %d, want none of cpu", len(q.CPUPast), len(q.MemoryPast))
	}
	for range 9 {
		report(0.25, 5)
	}
	first := report(0.25, 5)
	if again := report(0.25, 5); !cmp.Equal(first, again) || len(first.MemoryPast) != 0 {
		t.Errorf("an idle agent asks something else: %s", cmp.Diff(first, again))
	}
	if q := report(0.5, 6); len(q.CPUPast) != Width || len(q.MemoryPast) != Width {
		t.Errorf("it moves again: pasts of %d and %d", len(q.CPUPast), len(q.MemoryPast))
	}
}

// Whatever the readings are, a report is a valid request.
func TestReportsAreValid(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var tr Tracker
	var q ipc.WorkloadRequest
	extremes := [...]uint64{0, 1, 1<<53 + 1, 1 << 63, math.MaxUint64}
	for range 300 {
		if r.IntN(50) == 0 {
			tr.Break()
		}
		tr.Add(Reading{CPU: float32(r.IntN(3)) / 2, Memory: extremes[r.IntN(len(extremes))], GPU: ipc.Optional[float32]{Value: math.SmallestNonzeroFloat32, Valid: r.IntN(9) > 0}})
		tr.Report(&q)
		if err := q.Validate(); err != nil {
			t.Fatal(err)
		}
	}
}

// One reading that is none does not spoil what is said of an agent ever after.
func TestImpossibleSharesAreForgotten(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, bad := range []float32{nan, inf, -inf, math.MaxFloat32, -math.MaxFloat32, 1.5, -0.25} {
		var tr, other Tracker
		var q, want ipc.WorkloadRequest
		r := rand.New(rand.NewPCG(9, 10))
		for range 20 {
			v := r.Float32()
			tr.Add(Reading{CPU: v, GPU: ipc.Some(v)})
			other.Add(Reading{CPU: v, GPU: ipc.Some(v)})
		}
		tr.Add(Reading{CPU: bad, GPU: ipc.Some(bad)})
		other.Break()
		if tr.Report(&q); q.Validate() == nil || len(q.CPUPast)+len(q.GPUPast) > 0 {
			t.Errorf("with %v: %+v is valid", bad, q)
		}
		for range window {
			v := r.Float32()
			tr.Add(Reading{CPU: v, GPU: ipc.Some(v)})
			other.Add(Reading{CPU: v, GPU: ipc.Some(v)})
		}
		tr.Report(&q)
		other.Report(&want)
		if err := q.Validate(); err != nil {
			t.Errorf("ten after %v: %v", bad, err)
		}
		if len(q.CPUPast) != Width || !slices.Equal(q.CPUPast, want.CPUPast) || !slices.Equal(q.GPUPast, want.GPUPast) {
			t.Errorf("ten after %v: past %v, want %v", bad, q.CPUPast, want.CPUPast)
		}
	}
}

func TestFullTrackersAllocateNothing(t *testing.T) {
	var tr Tracker
	var q ipc.WorkloadRequest
	i := 0
	step := func() {
		tr.Add(Reading{CPU: float32(i%7) / 7, Memory: uint64(i % 11), GPU: ipc.Some(float32(i%3) / 3)})
		tr.Report(&q)
		i++
	}
	for range Memory + spare {
		step()
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations a reading", n)
	}
	for _, s := range []*Series{&tr.cpu, &tr.memory, &tr.gpu} {
		if size := 8 * cap(s.past); size > 10<<10 {
			t.Errorf("%d bytes a signal, want at most 10 KiB", size)
		}
	}
	if size := unsafe.Sizeof(tr); size > 1<<10 {
		t.Errorf("%d bytes besides, want at most 1 KiB", size)
	}
}

// A report into one request leaves the one of before in another.
func TestReportsShareNothing(t *testing.T) {
	var tr Tracker
	add := func() {
		for i := range 12 {
			tr.Add(Reading{CPU: float32(i%5) / 5, Memory: uint64(i % 7), GPU: ipc.Some(float32(i%3) / 3)})
		}
	}
	var q, other ipc.WorkloadRequest
	add()
	tr.Report(&q)
	kept := q.Copy()
	add()
	tr.Report(&other)
	if !cmp.Equal(kept, ipc.Request(&q)) {
		t.Errorf("a report into another request changed this one: %s", cmp.Diff(kept, ipc.Request(&q)))
	}
}

func BenchmarkReport(b *testing.B) {
	x := drawn(rand.New(rand.NewPCG(5, 6)), 4096)
	var tr Tracker
	var q ipc.WorkloadRequest
	i := 0
	step := func() {
		v := x[i%len(x)]
		tr.Add(Reading{CPU: float32(v), Memory: uint64(v * (1 << 30))})
		tr.Report(&q)
		i++
	}
	for range Memory {
		step()
	}
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}
