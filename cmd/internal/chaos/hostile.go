package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/load"
	"golang.org/x/sys/unix"
)

// Hostile compares what others feel of a hostile peer with what they feel of a process
// that uses as much of the processors and never comes near the socket: by how much their
// p99 is worse. The two take turns; the median of the rounds counts.
type Hostile struct {
	Quota   string         `json:"quota"` // ml-bridge's --peer; "" for none
	Rounds  []HostileRound `json:"rounds"`
	CPU     float64        `json:"cpu"` // processors that the peer used, and so did the other
	P99us   float64        `json:"p99_us"`
	BurnP99 float64        `json:"burn_p99_us"`
	Worse   float64        `json:"worse"` // P99us over BurnP99, less 1: 0.2 is 20 % worse
	Allowed float64        `json:"allowed"`
	Verdict string         `json:"verdict"` // pass, fail or void
}

// HostileRound is one turn of either.
type HostileRound struct {
	CPU       float64 `json:"cpu"`
	BurnCPU   float64 `json:"burn_cpu"`
	P99us     float64 `json:"p99_us"`
	BurnP99us float64 `json:"burn_p99_us"`
	PacingP99 float64 `json:"pacing_p99_us"` // the worse of the two turns
}

// hostileAllowed is by how much a hostile peer may make others' p99 worse.
const hostileAllowed = 0.2

// TryHostile compares in a mode, so many rounds of so long a turn.
func (e *Env) TryHostile(ctx context.Context, mode Mode, rounds int, turn time.Duration) (Row, error) {
	row := Row{Group: "proofs", Fault: "hostile peer: " + mode.Name, What: mode.What + "; compared with a process that uses as much of the processors, without the socket", Ran: true, BySource: map[string]uint64{}}
	var quota []string
	if e.Peer != "" {
		quota = []string{"--peer", e.Peer}
	}
	c, err := e.newChain(false, quota...)
	if err != nil {
		return row, err
	}
	defer c.Stop()
	if _, err := c.recover(ctx); err != nil {
		return row, fmt.Errorf("before anything was broken: %w", err)
	}
	before, err := c.settled(anything)
	if err != nil {
		return row, err
	}
	h := &Hostile{Allowed: hostileAllowed, Quota: e.Peer}
	for range rounds {
		hostile, used, err := e.victim(ctx, c, HostilePlan{Socket: c.socket, Mode: mode.Name}, turn)
		if err != nil {
			return row, err
		}
		burnt, burnUsed, err := e.victim(ctx, c, HostilePlan{Burn: max(used, 0.01)}, turn)
		if err != nil {
			return row, err
		}
		for _, n := range []*Counts{hostile, burnt} {
			row.add(n)
		}
		p99 := func(c *Counts) float64 { return micros(load.QuantilesOf(c.Latency).P99) }
		h.Rounds = append(h.Rounds, HostileRound{
			CPU: used, BurnCPU: burnUsed, P99us: p99(hostile), BurnP99us: p99(burnt), PacingP99: micros(max(hostile.Pacing, burnt.Pacing)),
		})
	}
	h.judge()
	row.Hostile = h
	row.P99us = h.P99us
	row.GoroutinesBefore, row.DescriptorsBefore, row.RSSMBBefore = before.goroutines, before.descriptors, before.rss
	t := &Trial{Chain: c, row: &row}
	t.finish(ctx, before)
	if h.Verdict == "fail" {
		row.Failed = fmt.Sprintf("the p99 of others is %.0f %% worse than beside a process that burns as much, at most %.0f %% are allowed", 100*h.Worse, 100*hostileAllowed)
	}
	row.judge()
	return row, context.Cause(ctx)
}

// victim makes calls while a process does what p says, and gives the processors it used.
func (e *Env) victim(ctx context.Context, c *Chain, p HostilePlan, turn time.Duration) (*Counts, float64, error) {
	h, err := e.startHostile(p, nil)
	if err != nil {
		return nil, 0, err
	}
	defer h.Kill()
	time.Sleep(100 * time.Millisecond) // it is at full speed
	began, used := time.Now(), cpuTime(h.PID)
	counts, err := Load{Oracle: e.Oracle, Socket: c.socket, Rate: e.Rate, For: turn}.Run(ctx, nil)
	if err != nil {
		return nil, 0, err
	}
	return counts, (cpuTime(h.PID) - used).Seconds() / time.Since(began).Seconds(), nil
}

// cpuTime is the CPU time of a process so far, by its CPU clock (clock_getcpuclockid(3)).
func cpuTime(pid int) time.Duration {
	const schedClock = 2
	var t unix.Timespec
	if unix.ClockGettime(^int32(pid)<<3|schedClock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// add adds the counts of one turn up.
func (r *Row) add(c *Counts) {
	sum := *r
	r.count(c)
	r.Sent, r.Answered, r.InBudget = r.Sent+sum.Sent, r.Answered+sum.Answered, r.InBudget+sum.InBudget
	r.Connects += sum.Connects
	for k, n := range sum.BySource {
		r.BySource[k] += n
	}
	r.PacingP99us = max(r.PacingP99us, sum.PacingP99us)
}

func (h *Hostile) judge() {
	var worse, p99, burn, cpu []float64
	void := 0
	for _, r := range h.Rounds {
		worse = append(worse, r.P99us/max(r.BurnP99us, 1)-1)
		p99, burn, cpu = append(p99, r.P99us), append(burn, r.BurnP99us), append(cpu, r.CPU)
		if r.PacingP99 > micros(load.MaxPacingError) {
			void++
		}
	}
	h.Worse, h.P99us, h.BurnP99, h.CPU = median(worse), median(p99), median(burn), median(cpu)
	switch {
	case 2*void > len(h.Rounds):
		h.Verdict = "void"
	case h.Worse <= hostileAllowed:
		h.Verdict = "pass"
	default:
		h.Verdict = "fail"
	}
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
