package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/procfs"
)

// node is one look at the machine.
type node struct {
	at               time.Time
	available, total float64 // bytes
	load, cpus       float64
	stalled          map[string]time.Duration // since boot, by resource
}

// stalls are the kinds of pressure: for memory the time in which everybody waited
// ("full"), for cpu and io that in which somebody did ("some"). (psi.rst)
var stalls = []string{"memory", "cpu", "io"}

func look(proc string, at time.Time) (*node, error) {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return nil, err
	}
	memory, err := fs.Meminfo()
	if err != nil {
		return nil, err
	}
	if memory.MemTotalBytes == nil || memory.MemAvailableBytes == nil {
		return nil, errors.New("/proc/meminfo does not say what is available")
	}
	load, err := fs.LoadAvg()
	if err != nil {
		return nil, err
	}
	stat, err := fs.Stat()
	if err != nil {
		return nil, err
	}
	n := &node{
		at: at, available: float64(*memory.MemAvailableBytes), total: float64(*memory.MemTotalBytes),
		load: load.Load1, cpus: float64(max(len(stat.CPU), 1)), stalled: make(map[string]time.Duration),
	}
	for _, name := range stalls {
		psi, err := fs.PSIStatsForResource(name)
		if err != nil {
			return nil, fmt.Errorf("pressure of %s: %w (the kernel needs CONFIG_PSI, and psi=1 where it is off by default)", name, err)
		}
		line := psi.Some
		if name == "memory" {
			line = psi.Full
		}
		if line != nil {
			n.stalled[name] = time.Duration(line.Total) * time.Microsecond
		}
	}
	return n, nil
}

// reading is a component's state in an interval.
type reading struct {
	health float32 // 1 is well, 0 is standing still
	value  float64 // memory: used share; cpu: load per processor; io: stalled share
}

// since gives the readings of memory, cpu and io between two looks.
func (n *node) since(before *node) [3]reading {
	elapsed := n.at.Sub(before.at)
	stalled := func(name string) float64 {
		return min(max(float64(n.stalled[name]-before.stalled[name])/float64(elapsed), 0), 1)
	}
	free := n.available / n.total
	return [3]reading{
		{health: float32(free * (1 - stalled("memory"))), value: 1 - free},
		{health: float32(1 - stalled("cpu")), value: n.load / n.cpus},
		{health: float32(1 - stalled("io")), value: stalled("io")},
	}
}
