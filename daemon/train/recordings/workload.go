package recordings

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

// shareBytes is what one 1/10000 of memory becomes: 1 MiB, a host of 9.8 GiB.
// The features are scale-free, so the choice has no influence.
const shareBytes = 1 << 20

// sample is one interval of an entity. gap says that it does not follow the
// previous sample.
type sample struct {
	cpu, gpu float64 // shares
	mem      uint64  // bytes
	gap      bool
	part     bool // another reading of the entity is missing
}

// series are the samples of one entity.
type series struct {
	name    string
	samples []sample
	has     [3]bool // cpu, memory, gpu measured
	span    float64 // bytes that a memory error is a share of
}

// WorkloadSets are the signals of all workload sources. The derived ones widen what
// free data show: hosts at 5 and 15 minutes, programs on their way to a limit of
// memory at 250 ms, made-up behaviours.
var WorkloadSets = []Set{
	{Name: "smd_cpu", Signal: SignalCPU, file: "smd_cpu_mem", read: readSMDWorkload},
	{Name: "smd_mem", Signal: SignalMemory, file: "smd_cpu_mem", read: readSMDWorkload},
	{Name: "procs_cpu", Signal: SignalCPU, file: "procs", read: readProcs},
	{Name: "procs_mem", Signal: SignalMemory, file: "procs", read: readProcs},
	{Name: "bitbrains_cpu", Signal: SignalCPU, file: "bitbrains", read: readBitbrains, Research: true},
	{Name: "bitbrains_mem", Signal: SignalMemory, file: "bitbrains", read: readBitbrains, Research: true},
	{Name: "gentd26_mem", Signal: SignalMemory, file: "gentd26", read: readGenTD26, Research: true},
	{Name: "gentd26_gpu", Signal: SignalGPU, file: "gentd26", read: readGenTD26, Research: true},
	{Name: "smd5_cpu", Signal: SignalCPU, file: "smd_cpu_mem", read: every(5, readSMDWorkload), Derived: true},
	{Name: "smd5_mem", Signal: SignalMemory, file: "smd_cpu_mem", read: every(5, readSMDWorkload), Derived: true},
	{Name: "smd15_cpu", Signal: SignalCPU, file: "smd_cpu_mem", read: every(15, readSMDWorkload), Derived: true},
	{Name: "smd15_mem", Signal: SignalMemory, file: "smd_cpu_mem", read: every(15, readSMDWorkload), Derived: true},
	{Name: "oom_cpu", Signal: SignalCPU, file: "../failure/oom_runs", read: every(5, readOOM), Derived: true},
	{Name: "oom_mem", Signal: SignalMemory, file: "../failure/oom_runs", read: every(5, readOOM), Derived: true},
	{Name: "synthetic", Signal: SignalCPU, file: "smd_cpu_mem", read: readSynthetic, Derived: true},
	{Name: "turns", Signal: SignalCPU, file: "smd_cpu_mem", read: readTurns, Derived: true},
}

// ReadWorkload asks about every window of ten samples of the set's signal, and
// about every seventh short as well: agents are young at times. Full windows come with
// what a client that follows its agents knows of the signal's past, unless Alone.
func ReadWorkload(s *Set, o Options, to Sink) error {
	all, err := s.read(filepath.Join(o.Data, "workload", s.file+"_"+o.Part+".csv.gz"))
	if err != nil {
		return err
	}
	entity := -1
	for _, e := range all {
		if !e.has[s.Signal] {
			continue
		}
		to.Entity(e.name)
		entity++
		var past loads.Series
		for i := range e.samples {
			if i >= ipc.MaxWorkloadHistory && !e.broken(i) {
				if err := e.ask(i, entity, s.Signal, o, &past, to); err != nil {
					return err
				}
			}
			e.follow(i, s.Signal, &past)
		}
	}
	return nil
}

// ask asks for sample i of a full window, and at times of a short one.
func (s *series) ask(i, entity, signal int, o Options, past *loads.Series, to Sink) error {
	lengths := [...]int{ipc.MaxWorkloadHistory, 2 + i/7%8}
	for k, n := range lengths[:1+b2i(i%7 == 0)] {
		q := s.question(i, n, signal)
		q.Entity = entity
		if r := q.Request.(*ipc.WorkloadRequest); k == 0 && !o.Alone {
			*[...]*[]float32{&r.CPUPast, &r.MemoryPast, &r.GPUPast}[signal] = past.AppendPast(nil)
		}
		if err := q.Request.Validate(); err != nil {
			return fmt.Errorf("%s sample %d: %w", s.name, i, err)
		}
		if err := to.Ask(q); err != nil {
			return err
		}
	}
	return nil
}

// follow adds sample i to the past of a signal.
func (s *series) follow(i, signal int, past *loads.Series) {
	v := &s.samples[i]
	if v.gap {
		past.Break()
	}
	switch signal {
	case SignalCPU:
		past.AddShare(float32(v.cpu))
	case SignalMemory:
		past.AddBytes(v.mem)
	case SignalGPU:
		past.AddShare(float32(v.gpu))
	}
}

// question asks for sample i from the n before it.
func (s *series) question(i, n, signal int) *Question {
	q := new(ipc.WorkloadRequest)
	for _, v := range s.samples[i-n : i] {
		q.HistoricalCPU = append(q.HistoricalCPU, float32(v.cpu))
		q.HistoricalMemory = append(q.HistoricalMemory, v.mem)
		if s.has[SignalGPU] {
			q.HistoricalGPU = append(q.HistoricalGPU, float32(v.gpu))
		}
	}
	q.CurrentCPU, q.CurrentMemory = q.HistoricalCPU[n-1], q.HistoricalMemory[n-1]
	if s.has[SignalGPU] {
		q.CurrentGPU = ipc.Some(q.HistoricalGPU[n-1])
	}
	span := 1.0
	if signal == SignalMemory {
		span = s.span
	}
	history := make([]float64, n)
	for k := range n {
		history[k] = s.value(i-n+k, signal) / span
	}
	current := history[n-1] // before medianOf sorts
	whole := !slices.ContainsFunc(s.samples[i-n:i+1], func(v sample) bool { return v.part })
	return &Question{
		Request: q, Signal: signal, Span: span, Current: current, Next: s.value(i, signal) / span,
		Mean: average(history), Median: medianOf(history), Whole: whole,
	}
}

func (s *series) value(i, signal int) float64 {
	return [...]float64{s.samples[i].cpu, float64(s.samples[i].mem), s.samples[i].gpu}[signal]
}

// broken reports a gap in the window of ten before sample i, or before i itself.
func (s *series) broken(i int) bool {
	for k := i - ipc.MaxWorkloadHistory + 1; k <= i; k++ {
		if s.samples[k].gap {
			return true
		}
	}
	return false
}

// largest is the largest memory value: what errors are shares of where no
// capacity is known.
func (s *series) largest() float64 {
	var m uint64 = 1
	for _, v := range s.samples {
		m = max(m, v.mem)
	}
	return float64(m)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func share(e4 float64) float64 { return math.Max(0, math.Min(1, e4/1e4)) }
