package main

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
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
}

// series are the samples of one entity.
type series struct {
	name    string
	samples []sample
	has     [3]bool // cpu, memory, gpu measured
	span    float64 // bytes that a memory error is a share of
}

// workloadSource reads one data set.
type workloadSource struct {
	name     string
	research bool
	read     func(path string) ([]*series, error)
	file     string
}

var workloadSources = []workloadSource{
	{name: "smd", file: "smd_cpu_mem", read: readSMDWorkload},
	{name: "procs", file: "procs", read: readProcs},
	{name: "bitbrains", file: "bitbrains", read: readBitbrains, research: true},
	{name: "gentd26", file: "gentd26", read: readGenTD26, research: true},
}

func extractWorkload(j *job) error {
	for _, src := range workloadSources {
		for _, part := range parts {
			if src.research && j.free && part != "test" {
				continue
			}
			all, err := src.read(filepath.Join(j.data, "workload", src.file+"_"+part+".csv.gz"))
			if err != nil {
				return err
			}
			for signal, name := range [...]string{"cpu", "mem", "gpu"} {
				if err := writeWorkload(j, src.name+"_"+name+"_"+part, all, signal); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeWorkload writes every window of ten samples of one signal. Errors are in
// shares; unit and span convert a prediction in units of the window.
func writeWorkload(j *job, name string, all []*series, signal int) error {
	has := false
	for _, s := range all {
		has = has || s.has[signal]
	}
	if !has {
		return nil
	}
	t, err := createTable(j.out, "workload_"+name, &features.Workload,
		"entity", "unit", "current", "next", "rule", "mean", "median", "rule_confidence")
	if err != nil {
		return err
	}
	for _, s := range all {
		if !s.has[signal] {
			continue
		}
		id, span := t.entity(s.name), 1.0
		if signal == 1 {
			span = s.span
		}
		for i := ipc.MaxWorkloadHistory; i < len(s.samples); i++ {
			if s.broken(i) {
				continue
			}
			// Every seventh window is also asked short: agents are young at times.
			lengths := [...]int{ipc.MaxWorkloadHistory, 2 + i/7%8}
			for _, n := range lengths[:1+b2i(i%7 == 0)] {
				if err := s.addWindow(t, id, i, n, signal, span); err != nil {
					return err
				}
			}
		}
	}
	return t.close()
}

// addWindow asks for sample i from the n before it.
func (s *series) addWindow(t *table, id float64, i, n, signal int, span float64) error {
	var q ipc.WorkloadRequest
	for _, v := range s.samples[i-n : i] {
		q.HistoricalCPU = append(q.HistoricalCPU, float32(v.cpu))
		q.HistoricalMemory = append(q.HistoricalMemory, v.mem)
		q.HistoricalGPU = append(q.HistoricalGPU, float32(v.gpu))
	}
	q.CurrentCPU, q.CurrentMemory = q.HistoricalCPU[n-1], q.HistoricalMemory[n-1]
	q.CurrentGPU = ipc.Some(q.HistoricalGPU[n-1])
	if err := q.Validate(); err != nil {
		return fmt.Errorf("%s sample %d: %w", s.name, i, err)
	}
	var p ipc.WorkloadPrediction
	rules.Workload(&q, &p)
	var w features.Window
	history := make([]float64, n)
	var next, rule float64
	next = s.value(i, signal)
	for k := range n {
		history[k] = s.value(i-n+k, signal) / span
	}
	switch signal {
	case 0:
		w.Shares(q.HistoricalCPU, q.CurrentCPU)
		rule = float64(p.CPU)
	case 1:
		w.Bytes(q.HistoricalMemory, q.CurrentMemory)
		rule = float64(p.Memory)
	case 2:
		w.Shares(q.HistoricalGPU, q.CurrentGPU.Value)
		rule = float64(p.GPU.Value)
	}
	var row [128]float32
	unit := w.Row(row[:features.Workload.Width()])
	t.witness(&q)
	current := history[n-1] // before medianOf sorts
	return t.add(row[:], id, unit/span, current, next/span, rule/span, average(history), medianOf(history),
		float64(p.Confidence))
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
