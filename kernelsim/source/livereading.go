package source

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// hostSnapshot is what one look at /proc says about the host's components.
type hostSnapshot struct {
	at                    time.Time
	total, available      float64 // memory, bytes
	load1, cpus           float64
	cpuSome, ioSome       stall
	memoryFull            stall
	iowait, all           float64 // seconds of all cores
	devices               map[string]traffic
	oomKills              uint64
	pressure, oomReported bool
}

// traffic is what went over a network device so far.
type traffic struct{ packets, bad uint64 }

// stall is PSI's running total: time in which tasks waited for a resource
// (Linux Documentation/accounting/psi.rst: "some" at least one, "full" all).
type stall time.Duration

// readHost looks at /proc, mounted at root. PSI and vmstat may be missing (kernel
// options); the others may not.
func readHost(fs procfs.FS, root string, at time.Time) (*hostSnapshot, error) {
	h := &hostSnapshot{at: at}
	mem, err := fs.Meminfo()
	if err != nil || mem.MemTotalBytes == nil || mem.MemAvailableBytes == nil {
		return nil, fmt.Errorf("source: /proc/meminfo: %w", orMissing(err))
	}
	h.total, h.available = float64(*mem.MemTotalBytes), float64(*mem.MemAvailableBytes)
	load, err := fs.LoadAvg()
	if err != nil {
		return nil, fmt.Errorf("source: /proc/loadavg: %w", err)
	}
	h.load1 = load.Load1
	stat, err := fs.Stat()
	if err != nil {
		return nil, fmt.Errorf("source: /proc/stat: %w", err)
	}
	c := stat.CPUTotal
	h.cpus, h.iowait = float64(max(len(stat.CPU), 1)), c.Iowait
	h.all = c.User + c.Nice + c.System + c.Idle + c.Iowait + c.IRQ + c.SoftIRQ + c.Steal
	net, err := fs.NetDev()
	if err != nil {
		return nil, fmt.Errorf("source: /proc/net/dev: %w", err)
	}
	h.devices = make(map[string]traffic, len(net))
	for name, d := range net {
		h.devices[name] = traffic{d.RxPackets + d.TxPackets, d.RxErrors + d.RxDropped + d.TxErrors + d.TxDropped}
	}
	h.readPressure(fs)
	h.oomKills, h.oomReported = readOOMKills(root)
	return h, nil
}

func orMissing(err error) error {
	if err != nil {
		return err
	}
	return os.ErrNotExist
}

// readPressure reads all three resources, or none: a kernel either has PSI or not.
func (h *hostSnapshot) readPressure(fs procfs.FS) {
	some := map[string]*stall{"cpu": &h.cpuSome, "io": &h.ioSome}
	for name, total := range some {
		psi, err := fs.PSIStatsForResource(name)
		if err != nil || psi.Some == nil {
			return
		}
		*total = stall(psi.Some.Total) * stall(time.Microsecond)
	}
	psi, err := fs.PSIStatsForResource("memory")
	if err != nil || psi.Full == nil {
		return
	}
	h.memoryFull = stall(psi.Full.Total) * stall(time.Microsecond)
	h.pressure = true
}

// readOOMKills reads the kernel's count of out-of-memory kills (vmstat, since
// Linux 4.13), which procfs leaves out.
func readOOMKills(root string) (kills uint64, ok bool) {
	f, err := os.Open(filepath.Join(root, "vmstat"))
	if err != nil {
		return 0, false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), "oom_kill "); found {
			kills, err := strconv.ParseUint(text, 10, 64)
			return kills, err == nil
		}
	}
	return 0, false
}

// The live host's incidents: thresholds of ours on the kernel's own figures, as
// no log without privileges tells what failed.
const (
	cpuIncident = 0.90 // share of the interval in which a runnable task waited for a cpu
	ioIncident  = 0.50 // share in which a task waited for io
	// badLimit is the share of bad packets at which a network's health is 0. TCP's
	// throughput falls with one over the root of the loss (Mathis, Semke, Mahdavi,
	// Ott, CCR 1997); at a hundredth it is what it was in name only.
	badLimit    = 0.01
	minPackets  = 10  // fewer in an interval say nothing about loss
	netIncident = 0.5 // health below which the network counts as failing
)

// readings turns two looks into the components' state in between:
//
//	memory   health = available / total × (1 − full stall share)   value: used share
//	cpu      health = 1 − some stall share                         value: load (1 min) / cpus
//	io       health = 1 − some stall share                         value: that share
//	network  health = 1 − bad packets' share / 0.01                value: bad packets' share
//
// Available is the kernel's own estimate of what new programs can have without
// swapping (Documentation/filesystems/proc.rst, MemAvailable). Packets are those of the
// devices that were there all the time. Without PSI, cpu
// health is 1 / max(1, load / cpus) and io's share is the cpus' iowait.
func (h *hostSnapshot) readings(before *hostSnapshot, out []Reading) []Reading {
	over := h.at.Sub(before.at)
	share := func(a, b stall) float64 { return clampShare(float64(b-a) / float64(over)) }
	cpuStall, ioStall := share(before.cpuSome, h.cpuSome), share(before.ioSome, h.ioSome)
	memoryStall := share(before.memoryFull, h.memoryFull)
	load := h.load1 / h.cpus
	if !h.pressure {
		cpuStall, memoryStall = 1-1/math.Max(1, load), 0
		ioStall = 0
		if all := h.all - before.all; all > 0 {
			ioStall = clampShare((h.iowait - before.iowait) / all)
		}
	}
	bad := 0.0
	if t := h.traffic(before); t.packets >= minPackets {
		bad = clampShare(float64(t.bad) / float64(t.packets))
	}
	at := h.at.UTC()
	used := clampShare(1 - h.available/h.total)
	oom := h.oomReported && h.oomKills > before.oomKills
	network := clampShare(1 - bad/badLimit)
	return append(out,
		Reading{At: at, Component: "memory", Health: (1 - used) * (1 - memoryStall), Value: used, Flag: oom, Incident: oom},
		incident(Reading{At: at, Component: "cpu", Health: 1 - cpuStall, Value: load}, cpuStall >= cpuIncident),
		incident(Reading{At: at, Component: "io", Health: 1 - ioStall, Value: ioStall}, ioStall >= ioIncident),
		incident(Reading{At: at, Component: "network", Health: network, Value: bad}, network < netIncident),
	)
}

// traffic is what went over the devices since. One that has come brings the packets of
// another namespace, and perhaps of years; one that has gone, or whose counters began anew,
// has taken its own along. Neither says anything about the time in between.
func (h *hostSnapshot) traffic(before *hostSnapshot) (sum traffic) {
	for name, now := range h.devices {
		if was, there := before.devices[name]; there && now.packets >= was.packets && now.bad >= was.bad {
			sum.packets += now.packets - was.packets
			sum.bad += now.bad - was.bad
		}
	}
	return sum
}

func incident(r Reading, failing bool) Reading {
	r.Flag, r.Incident = failing, failing
	return r
}

// LiveReadings watches the host's memory, cpu, io and network.
type LiveReadings struct {
	fs    procfs.FS
	root  string
	ticks *time.Ticker
	last  *hostSnapshot
	batch []Reading
}

// NewLiveReadings starts watching each interval. fs is /proc, mounted at root.
func NewLiveReadings(fs procfs.FS, root string, interval time.Duration) (*LiveReadings, error) {
	first, err := readHost(fs, root, time.Now())
	if err != nil {
		return nil, err
	}
	return &LiveReadings{fs: fs, root: root, ticks: time.NewTicker(interval), last: first}, nil
}

// Next waits for the end of the interval.
func (l *LiveReadings) Next(ctx context.Context) ([]Reading, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ticks.C:
	}
	if err := ctx.Err(); err != nil { // both were ready
		return nil, err
	}
	now, err := readHost(l.fs, l.root, time.Now())
	if err != nil {
		return nil, err
	}
	before := l.last
	l.last = now
	l.batch = now.readings(before, l.batch[:0])
	return l.batch, nil
}

// Close stops watching.
func (l *LiveReadings) Close() error {
	l.ticks.Stop()
	return nil
}
