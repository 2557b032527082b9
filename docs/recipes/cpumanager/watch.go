package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/procfs"

	"github.com/mlbridge/mlbridge/ipc"
)

// watcher reads what every process used since the last look.
type watcher struct {
	proc     string
	capacity float64 // processors
	last     time.Time
	agents   map[uint64]*agent
}

// agent is a process and its last intervals, oldest first.
type agent struct {
	pid    uint64
	name   string
	used   float64 // cpu seconds since its start
	cpu    []float32
	memory []uint64
	seen   time.Time
	asked  uint64 // id of the last prediction about it
}

func (w *watcher) look(now time.Time) error {
	fs, err := procfs.NewFS(w.proc)
	if err != nil {
		return err
	}
	processes, err := fs.AllProcs()
	if err != nil {
		return err
	}
	if w.agents == nil {
		w.agents = make(map[uint64]*agent)
	}
	elapsed := now.Sub(w.last).Seconds()
	for _, p := range processes {
		stat, err := p.Stat()
		if err != nil {
			continue // it has ended
		}
		a := w.agents[uint64(p.PID)]
		if used := stat.CPUTime(); a == nil {
			w.agents[uint64(p.PID)] = &agent{pid: uint64(p.PID), name: stat.Comm, used: used, seen: now}
		} else {
			share := min(max((used-a.used)/elapsed/w.capacity, 0), 1)
			a.cpu = push(a.cpu, float32(share), ipc.MaxWorkloadHistory)
			a.memory = push(a.memory, uint64(stat.ResidentMemory()), ipc.MaxWorkloadHistory)
			a.used, a.seen = used, now
		}
	}
	for pid, a := range w.agents {
		if a.seen != now {
			delete(w.agents, pid)
		}
	}
	w.last = now
	return nil
}

// busiest gives the n processes that used most in the last interval.
func (w *watcher) busiest(n int) []*agent {
	var all []*agent
	for _, a := range w.agents {
		if len(a.cpu) > 0 {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *agent) int {
		return cmp.Or(cmp.Compare(b.cpu[len(b.cpu)-1], a.cpu[len(a.cpu)-1]), cmp.Compare(a.pid, b.pid))
	})
	return all[:min(n, len(all))]
}

// question is about the agent's next interval. The histories end with the current
// values; shorter ones are as good as they are, and not padded.
func (a *agent) question(now time.Time) *ipc.WorkloadRequest {
	utc := now.UTC()
	return &ipc.WorkloadRequest{
		AgentID: a.pid, HistoricalCPU: a.cpu, HistoricalMemory: a.memory,
		TimeOfDay: uint8(utc.Hour()), DayOfWeek: uint8(utc.Weekday()),
		CurrentCPU: a.cpu[len(a.cpu)-1], CurrentMemory: a.memory[len(a.memory)-1],
	}
}

// push appends v and keeps the last n.
func push[T any](s []T, v T, n int) []T {
	s = append(s, v)
	return s[max(0, len(s)-n):]
}
