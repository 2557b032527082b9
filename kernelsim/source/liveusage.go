package source

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/procfs"
)

// HostAgent is the agent that stands for the host as a whole.
const HostAgent uint64 = 0

// LiveInterval is how far live samples are apart. The kernel counts a process's
// time in ticks of 10 ms (proc(5), USER_HZ), so a share is exact to 0.02.
const LiveInterval = 500 * time.Millisecond

// Bounds of what is followed on a live host.
const (
	maxAgents = 12   // processes at a time
	busyShare = 0.02 // a process is followed once it used this much of a core: a tick
)

// LiveAgent is the agent of a process: pids are used again, a pid with its start
// time (clock ticks after boot) is not. Pids have at most 22 bits (proc(5), pid_max).
func LiveAgent(pid int, start uint64) uint64 { return start<<22 | uint64(pid) }

// process is a process at one instant.
type process struct {
	agent  uint64
	name   string
	cpu    float64 // seconds used so far
	memory uint64
}

// usageSnapshot is what one look at /proc found.
type usageSnapshot struct {
	at         time.Time
	busy, all  float64 // seconds of all cores together
	hostMemory uint64
	processes  map[uint64]process
}

func readUsage(fs procfs.FS, at time.Time, self int) (*usageSnapshot, error) {
	stat, err := fs.Stat()
	if err != nil {
		return nil, fmt.Errorf("source: /proc/stat: %w", err)
	}
	mem, err := fs.Meminfo()
	if err != nil {
		return nil, fmt.Errorf("source: /proc/meminfo: %w", err)
	}
	s := &usageSnapshot{at: at, processes: make(map[uint64]process)}
	// Guest time is part of user time already (proc(5)).
	c := stat.CPUTotal
	idle := c.Idle + c.Iowait
	s.busy = c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ + c.Steal
	s.all = s.busy + idle
	if mem.MemTotalBytes != nil && mem.MemAvailableBytes != nil && *mem.MemTotalBytes >= *mem.MemAvailableBytes {
		s.hostMemory = *mem.MemTotalBytes - *mem.MemAvailableBytes
	}
	procs, err := fs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("source: /proc: %w", err)
	}
	for _, p := range procs {
		if p.PID == self {
			continue // it would watch itself watching
		}
		st, err := p.Stat()
		if err != nil {
			continue // gone meanwhile
		}
		agent := LiveAgent(st.PID, st.Starttime)
		s.processes[agent] = process{agent, st.Comm, st.CPUTime(), uint64(max(st.ResidentMemory(), 0))}
	}
	return s, nil
}

// LiveUsage samples the host and its busiest processes.
type LiveUsage struct {
	fs       procfs.FS
	self     int
	ticks    *time.Ticker
	last     *usageSnapshot
	followed map[uint64]bool
	batch    []Usage
}

// NewLiveUsage starts sampling each interval. self is a pid to leave out.
func NewLiveUsage(fs procfs.FS, interval time.Duration, self int) (*LiveUsage, error) {
	first, err := readUsage(fs, time.Now(), self)
	if err != nil {
		return nil, err
	}
	return &LiveUsage{fs: fs, self: self, ticks: time.NewTicker(interval), last: first, followed: map[uint64]bool{}}, nil
}

// Next waits for the end of the interval.
func (l *LiveUsage) Next(ctx context.Context) ([]Usage, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ticks.C:
	}
	if err := ctx.Err(); err != nil { // both were ready
		return nil, err
	}
	now, err := readUsage(l.fs, time.Now(), l.self)
	if err != nil {
		return nil, err
	}
	return l.since(now), nil
}

// since gives the samples of the interval from the last look to this one.
func (l *LiveUsage) since(now *usageSnapshot) []Usage {
	before := l.last
	l.last = now
	l.batch = l.batch[:0]
	over := now.at.Sub(before.at)
	at := now.at.UTC()
	if all := now.all - before.all; all > 0 {
		l.batch = append(l.batch, Usage{
			At: at, Over: over, Agent: HostAgent, Name: "host",
			CPU: clampShare((now.busy - before.busy) / all), Memory: now.hostMemory,
		})
	}
	for agent := range l.followed {
		if _, alive := now.processes[agent]; !alive {
			delete(l.followed, agent)
		}
	}
	for _, p := range busiestFirst(before, now) {
		share := (now.processes[p].cpu - before.processes[p].cpu) / over.Seconds()
		if !l.followed[p] {
			if share < busyShare || len(l.followed) >= maxAgents {
				continue
			}
			l.followed[p] = true
		}
		l.batch = append(l.batch, Usage{
			At: at, Over: over, Agent: p, Name: now.processes[p].name,
			CPU: clampShare(share), Memory: now.processes[p].memory,
		})
	}
	return l.batch
}

// busiestFirst lists the processes that both snapshots know.
func busiestFirst(before, now *usageSnapshot) []uint64 {
	var agents []uint64
	for agent := range now.processes {
		if _, known := before.processes[agent]; known {
			agents = append(agents, agent)
		}
	}
	used := func(a uint64) float64 { return now.processes[a].cpu - before.processes[a].cpu }
	slices.SortFunc(agents, func(a, b uint64) int { return cmp.Or(cmp.Compare(used(b), used(a)), cmp.Compare(a, b)) })
	return agents
}

// Close stops sampling.
func (l *LiveUsage) Close() error {
	l.ticks.Stop()
	return nil
}

func clampShare(v float64) float64 { return min(max(v, 0), 1) }
