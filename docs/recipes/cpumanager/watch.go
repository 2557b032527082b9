package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/procfs"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

// watcher reads what every process used since the last look.
type watcher struct {
	proc     string
	capacity float64 // processors
	last     time.Time
	agents   map[uint64]*agent
}

// agent is a process and its past.
type agent struct {
	pid   uint64
	name  string
	used  float64 // cpu seconds since its start
	seen  time.Time
	looks int           // intervals that past knows of
	past  loads.Tracker // grows to 20 KiB: of tens of thousands follow the busy ones alone
	now   loads.Reading // of the last interval
	asked uint64        // id of a prediction about the interval that goes on, 0 for none
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
		if used := stat.CPUTime(); a == nil || used < a.used { // new, or another one with its pid
			w.agents[uint64(p.PID)] = &agent{pid: uint64(p.PID), name: stat.Comm, used: used, seen: now}
		} else {
			share := min(max((used-a.used)/elapsed/w.capacity, 0), 1)
			a.add(loads.Reading{CPU: float32(share), Memory: uint64(stat.ResidentMemory())})
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

// outcomes tells what became of the predictions about the interval that has just ended, also
// of processes that are no longer among the busiest.
func (w *watcher) outcomes() []ipc.Outcome {
	var all []ipc.Outcome
	for _, a := range w.agents {
		if a.asked == 0 {
			continue
		}
		o := ipc.Outcome{PredictionID: a.asked, Subject: ipc.Subject{Agent: a.pid}, Actual: ipc.Prediction{Kind: ipc.Workload}}
		o.Actual.Workload = ipc.WorkloadPrediction{CPU: a.now.CPU, Memory: a.now.Memory}
		all = append(all, o)
		a.asked = 0
	}
	return all
}

// busiest gives the n processes that used most in the last interval.
func (w *watcher) busiest(n int) []*agent {
	var all []*agent
	for _, a := range w.agents {
		if a.looks > 0 {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *agent) int {
		return cmp.Or(cmp.Compare(b.now.CPU, a.now.CPU), cmp.Compare(a.pid, b.pid))
	})
	return all[:min(n, len(all))]
}

// add notes an interval. Who misses some calls past.Break first; here a process is seen
// every time, or forgotten.
func (a *agent) add(r loads.Reading) {
	a.past.Add(r)
	a.now = r
	a.looks++
}

// question is about the agent's next interval: its last ten readings, fewer where there are
// no more, and what is known of its longer past.
func (a *agent) question(now time.Time) *ipc.WorkloadRequest {
	utc := now.UTC()
	q := &ipc.WorkloadRequest{AgentID: a.pid, TimeOfDay: uint8(utc.Hour()), DayOfWeek: uint8(utc.Weekday())}
	a.past.Report(q)
	return q
}
