package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Hostile compares what others feel of a hostile peer with what they feel of a process
// that uses as much of the processors, in bursts as long, and never comes near the
// socket: by how much their p99 is worse. The two take turns beside one load that never
// pauses; the median of the rounds counts.
type Hostile struct {
	Quota   string         `json:"quota"` // ml-bridge's --peer; "" for none
	Rounds  []HostileRound `json:"rounds"`
	CPU     float64        `json:"cpu"` // processors that the peer used, and so did the other
	P99us   float64        `json:"p99_us"`
	BurnP99 float64        `json:"burn_p99_us"`
	Worse   float64        `json:"worse"` // P99us over BurnP99, less 1: 0.2 is 20 % worse
	Allowed float64        `json:"allowed"`
	Valid   int            `json:"valid"`   // rounds that count
	Verdict string         `json:"verdict"` // pass, fail or void
}

// HostileRound is one turn of either.
type HostileRound struct {
	CPU       float64 `json:"cpu"`
	BurnCPU   float64 `json:"burn_cpu"`
	BridgeCPU float64 `json:"bridge_cpu"` // of ml-bridge beside the hostile peer
	BurstUs   float64 `json:"burst_us"`   // that it ran at a time
	P99us     float64 `json:"p99_us"`
	BurnP99us float64 `json:"burn_p99_us"`
	PacingP99 float64 `json:"pacing_p99_us"` // of the load, beside the other
}

const (
	// hostileAllowed is by how much a hostile peer may make others' p99 worse.
	hostileAllowed = 0.2
	// hostileStart is what a process has to reach its full speed. What it does to others
	// meanwhile does not count: it is here to stay.
	hostileStart = 300 * time.Millisecond
	// hostilePacing is the share of the p99 beside the other that the load's own lateness
	// may have; a round with more is void, and so is one without calls.
	hostilePacing = 0.25
)

// TryHostile compares in a mode, so many rounds of so long a turn.
func (e *Env) TryHostile(ctx context.Context, mode Mode, rounds int, turn time.Duration) (Row, error) {
	row := Row{Fault: "hostile peer: " + mode.Name, What: mode.What + "; compared with a process that uses as much of the processors, without the socket"}
	var quota []string
	if e.Peer != "" {
		quota = []string{"--peer", e.Peer}
	}
	return e.prove(ctx, row, quota, func(ctx context.Context, c *Chain, row *Row) error {
		h := &Hostile{Allowed: hostileAllowed, Quota: e.Peer}
		l := Load{Oracle: e.Oracle, Socket: c.socket, Rate: e.Rate, For: time.Duration(2*rounds)*(turn+hostileStart*3/2) + hostileStart}
		felt := l.follow()
		counts, err := l.Run(ctx, func(ctx context.Context) error {
			for range rounds {
				r, err := e.hostileRound(ctx, c, mode, turn, felt)
				if err != nil {
					return err
				}
				h.Rounds = append(h.Rounds, r)
			}
			return nil
		})
		if err != nil {
			return err
		}
		h.judge()
		row.count(counts)
		row.Hostile, row.P99us = h, h.P99us
		if h.Verdict == "fail" {
			row.Failed = fmt.Sprintf("the p99 of others is %.0f %% worse than beside a process that burns as much, at most %.0f %% are allowed", 100*h.Worse, 100*hostileAllowed)
		}
		return nil
	})
}

// hostileRound has one turn of each.
func (e *Env) hostileRound(ctx context.Context, c *Chain, mode Mode, turn time.Duration, felt *felt) (r HostileRound, err error) {
	hostile, err := e.turn(ctx, c, HelperPlan{Socket: c.socket, Mode: mode.Name}, turn, felt)
	if err != nil {
		return r, err
	}
	burnt, err := e.turn(ctx, c, HelperPlan{Burn: max(hostile.cpu, 1e-6), Burst: hostile.burst}, turn, felt)
	return HostileRound{
		CPU: hostile.cpu, BurnCPU: burnt.cpu, BridgeCPU: hostile.bridge, BurstUs: micros(hostile.burst),
		P99us: micros(hostile.p99), BurnP99us: micros(burnt.p99), PacingP99: micros(burnt.pacing),
	}, err
}

// turned is what a turn came to.
type turned struct {
	cpu, bridge float64       // processors that the process used, and ml-bridge
	burst       time.Duration // that the process ran at a time
	p99, pacing time.Duration // of the load
}

// turn has a process do what p says for so long.
func (e *Env) turn(ctx context.Context, c *Chain, p HelperPlan, lasts time.Duration, felt *felt) (out turned, err error) {
	h, err := e.startHelper(p, nil)
	if err != nil {
		return out, err
	}
	defer h.Kill()
	if err := pause(ctx, hostileStart); err != nil {
		return out, err
	}
	used, bridge, switches := cpuTime(h.PID), cpuTime(c.bridge.PID), h.switches()
	began := monotonic()
	if err := pause(ctx, lasts); err != nil {
		return out, err
	}
	ended := monotonic()
	used, bridge, switches = cpuTime(h.PID)-used, cpuTime(c.bridge.PID)-bridge, h.switches()-switches
	out.cpu, out.bridge = used.Seconds()/lasts.Seconds(), bridge.Seconds()/lasts.Seconds()
	out.burst = used / time.Duration(max(switches, 1))
	if err := pause(ctx, hostileStart/3); err != nil { // the last calls are answered
		return out, err
	}
	out.p99, out.pacing = felt.between(began, ended)
	return out, nil
}

func pause(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
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

// judge is about the rounds in which the load was punctual, if they are most.
func (h *Hostile) judge() {
	var worse, p99, burn, cpu []float64
	for _, r := range h.Rounds {
		if r.P99us == 0 || r.BurnP99us == 0 || r.PacingP99 > hostilePacing*r.BurnP99us {
			continue
		}
		worse = append(worse, r.P99us/r.BurnP99us-1)
		p99, burn, cpu = append(p99, r.P99us), append(burn, r.BurnP99us), append(cpu, r.CPU)
	}
	h.Valid = len(worse)
	h.Worse, h.P99us, h.BurnP99, h.CPU = median(worse), median(p99), median(burn), median(cpu)
	switch {
	case 2*h.Valid <= len(h.Rounds):
		h.Verdict = void
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
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
