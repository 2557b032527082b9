package chaos

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Hostile compares what others feel of a hostile peer with what they feel of a process
// that uses as much of the processors, at the same times, and never comes near the socket:
// by how much their p99 is worse. The hostile peer is watched while it has its turn, and the
// other replays, millisecond by millisecond, what it used: a peer whose 64 connections wake
// up together keeps both processors for milliseconds, and that is its own doing, not the
// bridge's.
//
// The two take turns beside one load that never pauses, many and short ones, and now one,
// now the other comes first. Every pair of turns gives a ratio, and the median of them
// counts: what the machine does to both alike is not in it, and a stall that hits one turn
// spoils one pair of many. The interval has the true median in it in 19 of 20 cases, whatever
// the ratios are distributed like (it lies between two of them, by the sign test). Where it is wider
// than twice what is allowed there is no verdict. Neither rule knows on which side the figure
// lies.
type Hostile struct {
	Quota   string         `json:"quota"` // ml-bridge's --peer; "" for none
	Rounds  []HostileRound `json:"rounds"`
	CPU     float64        `json:"cpu"` // processors that the peer used, and so did the other
	P99us   float64        `json:"p99_us"`
	BurnP99 float64        `json:"burn_p99_us"`
	Worse   float64        `json:"worse"` // median of P99us over BurnP99 in a round, less 1: 0.2 is 20 % worse
	Least   float64        `json:"least"` // the interval's ends
	Most    float64        `json:"most"`
	Allowed float64        `json:"allowed"`
	Valid   int            `json:"valid"`   // rounds with calls in both turns
	Verdict string         `json:"verdict"` // pass, fail or void
}

// HostileRound is one turn of either.
type HostileRound struct {
	CPU       float64 `json:"cpu"`
	BurnCPU   float64 `json:"burn_cpu"`
	BridgeCPU float64 `json:"bridge_cpu"`      // of ml-bridge beside the hostile peer
	BurnedCPU float64 `json:"bridge_burn_cpu"` // and beside the other
	BurstUs   float64 `json:"burst_us"`        // that it ran at a time
	PeakUs    float64 `json:"peak_us"`         // that it ran in the worst millisecond of a hundred
	P99us     float64 `json:"p99_us"`
	BurnP99us float64 `json:"burn_p99_us"`
	PacingP99 float64 `json:"pacing_p99_us"` // of the load, beside the other
}

const (
	// hostileAllowed is by how much a hostile peer may make others' p99 worse.
	hostileAllowed = 0.2
	// hostileEnough is the fewest rounds between the outermost of which the median lies with
	// a probability of 95 %.
	hostileEnough = 6
	// hostileStart is what a process has to reach its full speed. What it does to others
	// meanwhile does not count: it is here to stay.
	hostileStart = 300 * time.Millisecond
	// hostileStep is how finely what the peer uses is replayed.
	hostileStep = time.Millisecond
)

// Nobody is no hostile peer, but the process that hostile ones are compared with, compared
// with itself: what the comparison finds where there is nothing to find.
var Nobody = Mode{Name: "nobody", What: "no peer, but the process that the others are compared with, on both sides"}

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
			peer := HelperPlan{Socket: c.socket, Mode: mode.Name}
			if mode.live == nil {
				peer = HelperPlan{Burn: []time.Duration{hostileStep / 8}, Burst: 25 * time.Microsecond}
			}
			var latest turned
			for i := range rounds {
				hostile, burnt, err := e.hostileRound(ctx, c, peer, i%2 == 1, latest, turn, felt)
				if err != nil {
					return err
				}
				latest = hostile
				h.Rounds = append(h.Rounds, roundOf(&hostile, &burnt))
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

// hostileRound has one turn of each. Where the other comes first it does what the peer did
// in its latest turn.
func (e *Env) hostileRound(ctx context.Context, c *Chain, peer HelperPlan, last bool, latest turned, turn time.Duration, felt *felt) (hostile, burnt turned, err error) {
	burn := func(as *turned) (turned, error) {
		return e.turn(ctx, c, HelperPlan{Burn: as.profile, Burst: as.burst}, turn, felt)
	}
	if last {
		if burnt, err = burn(&latest); err != nil {
			return hostile, burnt, err
		}
	}
	if hostile, err = e.turn(ctx, c, peer, turn, felt); err == nil && !last {
		burnt, err = burn(&hostile)
	}
	return hostile, burnt, err
}

func roundOf(hostile, burnt *turned) HostileRound {
	peak := slices.Sorted(slices.Values(hostile.profile))
	return HostileRound{
		CPU: hostile.cpu, BurnCPU: burnt.cpu, BridgeCPU: hostile.bridge, BurnedCPU: burnt.bridge,
		BurstUs: micros(hostile.burst), PeakUs: micros(peak[min(len(peak)*99/100, len(peak)-1)]),
		P99us: micros(hostile.p99), BurnP99us: micros(burnt.p99), PacingP99: micros(burnt.pacing),
	}
}

// turned is what a turn came to.
type turned struct {
	cpu, bridge float64         // processors that the process used, and ml-bridge
	profile     []time.Duration // what it used in each hostileStep
	burst       time.Duration   // that the process ran at a time
	p99, pacing time.Duration   // of the load
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
	bridge, switches := cpuTime(c.bridge.PID), h.switches()
	began := monotonic()
	used, err := profile(ctx, h.PID, lasts)
	if err != nil {
		return out, err
	}
	ended := monotonic()
	bridge, switches = cpuTime(c.bridge.PID)-bridge, h.switches()-switches
	out.profile = used
	var total time.Duration
	for _, d := range used {
		total += d
	}
	out.cpu, out.bridge = total.Seconds()/lasts.Seconds(), bridge.Seconds()/lasts.Seconds()
	out.burst = total / time.Duration(max(switches, 1))
	if err := pause(ctx, hostileStart/3); err != nil { // the last calls are answered
		return out, err
	}
	out.p99, out.pacing = felt.between(began, ended)
	return out, nil
}

// profile watches for so long what a process uses. A step that the watcher missed is
// shared among those that it takes the place of.
func profile(ctx context.Context, pid int, lasts time.Duration) (used []time.Duration, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer goFirst()()
	began, before := monotonic(), cpuTime(pid)
	for steps := int(lasts / hostileStep); len(used) < steps; {
		ts := unix.NsecToTimespec(began + int64(len(used)+1)*int64(hostileStep))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		now := cpuTime(pid)
		n := min(max(int((monotonic()-began)/int64(hostileStep)), len(used)+1), steps) - len(used)
		for range n {
			used = append(used, (now-before)/time.Duration(n))
		}
		before = now
	}
	return used, nil
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

// judge is about the rounds in which there were calls, if they are most.
func (h *Hostile) judge() {
	var worse, p99, burn, cpu []float64
	for _, r := range h.Rounds {
		if r.P99us == 0 || r.BurnP99us == 0 {
			continue
		}
		worse = append(worse, r.P99us/r.BurnP99us-1)
		p99, burn, cpu = append(p99, r.P99us), append(burn, r.BurnP99us), append(cpu, r.CPU)
	}
	h.Valid = len(worse)
	h.Worse, h.P99us, h.BurnP99, h.CPU = median(worse), median(p99), median(burn), median(cpu)
	h.Least, h.Most = medianWithin(worse)
	switch {
	case h.Valid < hostileEnough, 2*h.Valid <= len(h.Rounds), h.Most-h.Least > 2*hostileAllowed:
		h.Verdict = void
	case h.Worse <= hostileAllowed:
		h.Verdict = "pass"
	default:
		h.Verdict = "fail"
	}
}

// medianWithin gives the two of v between which the median of what they are drawn from
// lies with a probability of at least 95 %, or the outermost where v is too few: as many lie
// on either side of it as heads and tails come of so many throws of a coin.
func medianWithin(v []float64) (least, most float64) {
	if len(v) == 0 {
		return 0, 0
	}
	v = slices.Sorted(slices.Values(v))
	outside, of, k := 0.0, math.Exp2(-float64(len(v))), 0
	for ; k < (len(v)-1)/2; k++ { // k below the interval, and k above it
		if outside += of; 2*outside > 0.05 {
			break
		}
		of *= float64(len(v)-k) / float64(k+1)
	}
	k = max(k-1, 0)
	return v[k], v[len(v)-1-k]
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
