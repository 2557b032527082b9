package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

// Hostile compares what others feel of a hostile peer with what they feel of a process
// that takes as much of the processors and never comes near the socket: by how much their
// p99 is worse. What that process is says type other.
//
// The two take short turns beside one load that never pauses, in the order that cancels
// what drifts: first the one, then the other, then the other, then the one. Calls come at
// random, so that nothing they meet can keep step with them.
//
// Only windows count in which no processor was away, by the sleepers of package hiccup and
// the rule of Frozen: whether calls were late plays no part in it. The p99 of either side
// is that of all calls in all its valid windows. The interval is the bootstrap's (Efron and
// Tibshirani, An Introduction to the Bootstrap, 1993, 13.3) over pairs of turns: what the
// figure would have been with other pairs of the same kind, in 19 of 20 cases. Where it is
// wider than twice what is allowed there is no verdict, and no rule knows on which side the
// figure lies.
type Hostile struct {
	Quota   string         `json:"quota"` // ml-bridge's --peer; "" for none
	Home    bool           `json:"home"`  // the other is the same program, at home
	Rounds  []HostileRound `json:"rounds"`
	Peer    HostileSide    `json:"peer"`
	Other   HostileSide    `json:"other"`
	Worse   float64        `json:"worse"` // the peer's p99 over the other's, less 1: 0.2 is 20 % worse
	Least   float64        `json:"least"` // the interval's ends
	Most    float64        `json:"most"`
	Allowed float64        `json:"allowed"`
	Ahead   bool           `json:"ahead"`   // the sleepers went before everybody else
	Verdict string         `json:"verdict"` // pass, fail or void
}

// HostileRound is a turn of either.
type HostileRound struct{ Peer, Other HostileSide }

// HostileSide is what there was beside the peer or the other process, in a turn or in all.
type HostileSide struct {
	CPU       float64 `json:"cpu"`        // processors that it used
	BridgeCPU float64 `json:"bridge_cpu"` // and ml-bridge beside it
	Threads   int     `json:"threads"`    // that used any, most in a turn
	Windows   int     `json:"windows"`
	Valid     int     `json:"valid"`  // windows that count
	Calls     int     `json:"calls"`  // in them
	P50us     float64 `json:"p50_us"` // of these
	P99us     float64 `json:"p99_us"`
	AllP99us  float64 `json:"all_p99_us"` // of all calls, in void windows, too

	valid, all []time.Duration // what calls took, in order
}

const (
	// hostileAllowed is by how much a hostile peer may make others' p99 worse.
	hostileAllowed = 0.2
	// hostileStart is what a process has to reach its full speed. What it does to others
	// meanwhile does not count: it is here to stay.
	hostileStart = 300 * time.Millisecond
	// hostileTail is what calls that were due in a turn have to be answered in.
	hostileTail = 50 * time.Millisecond
	// hostileSpawn is what it takes about to start a process and to end it.
	hostileSpawn = 200 * time.Millisecond
	// hostileLetGo is what the bridge may take to close what a peer that was killed has left.
	hostileLetGo = 20 * time.Second
)

// TryHostile compares in a mode, so many rounds of so long a turn.
func (e *Env) TryHostile(ctx context.Context, mode Mode, rounds int, turn time.Duration) (Row, error) {
	row := Row{Fault: "hostile peer: " + mode.Name, What: mode.What + "; compared with " + mode.other()}
	var quota []string
	if e.Peer != "" {
		quota = []string{"--peer", e.Peer}
	}
	return e.prove(ctx, row, quota, func(ctx context.Context, c *Chain, row *Row) error {
		other, err := e.otherThan(c, mode, turn)
		if err != nil {
			return err
		}
		beside, err := hiccup.Start(time.Second/frozenRate, frozenAllowed)
		if err != nil {
			return err
		}
		defer beside.Kill()
		l := Load{
			Oracle: e.Oracle, Socket: c.socket, Rate: e.Rate, Random: true, UntilDone: true,
			For: time.Duration(rounds)*(2*(hostileStart+turn+hostileTail+hostileSpawn)+hostileLetGo) + hostileStart,
		}
		felt := l.follow()
		h := &Hostile{Allowed: hostileAllowed, Quota: e.Peer, Home: mode.home != nil}
		var turns []hostileTurns
		counts, err := l.Run(ctx, func(ctx context.Context) (err error) {
			peer := HelperPlan{Socket: c.socket, Mode: mode.Name, After: hostileStart, Watch: turn}
			turns, err = e.hostileRounds(ctx, c, peer, other, rounds)
			return err
		})
		if err != nil {
			return err
		}
		log, err := beside.End()
		if err != nil {
			return err
		}
		for _, t := range turns {
			h.Rounds = append(h.Rounds, HostileRound{felt.side(t.peer, log), felt.side(t.other, log)})
		}
		h.Ahead = log.First
		h.judge()
		row.count(counts)
		row.Hostile, row.P99us = h, h.Peer.P99us
		if h.Verdict == "fail" {
			row.Failed = fmt.Sprintf("the p99 of others is %.0f %% worse than beside a process that uses as much, at most %.0f %% are allowed", 100*h.Worse, 100*hostileAllowed)
		}
		return nil
	})
}

// hostileTurns is a round: the peer's turn and the other's.
type hostileTurns struct{ peer, other turned }

// turned is what a process did in its turn.
type turned struct {
	from        int64 // of CLOCK_MONOTONIC
	lasts       time.Duration
	cpu, bridge time.Duration // that it used, and ml-bridge
	threads     int           // of its own that used any
}

// hostileRounds has the peer and the other take turns: peer, other, other, peer, and so
// on. Where the other comes first it does what the peer did in its latest turn.
func (e *Env) hostileRounds(ctx context.Context, c *Chain, peer HelperPlan, other other, n int) (rounds []hostileTurns, err error) {
	var as Use
	for i := range n {
		var r hostileTurns
		otherFirst := i%2 == 1
		if otherFirst {
			r.other, err = other(ctx, &as)
		}
		if err == nil {
			r.peer, as, err = e.peerTurn(ctx, c, peer)
		}
		if err == nil && !otherFirst {
			r.other, err = other(ctx, &as)
		}
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
	}
	return rounds, nil
}

// peerTurn has a peer do what p says, and gives what it used.
func (e *Env) peerTurn(ctx context.Context, c *Chain, p HelperPlan) (t turned, u Use, err error) {
	held := c.bridge.descriptors()
	h, use, err := e.watchedHelper(p)
	if err != nil {
		return t, u, err
	}
	if t, err = takeTurn(ctx, c, h, p.Watch); err == nil {
		u, err = use()
	}
	u.scale(t.cpu)
	t.threads = len(u.Threads)
	h.Kill()
	return t, u, errors.Join(err, c.letGo(ctx, held))
}

// letGo waits until the bridge holds hardly more descriptors than so many, for a while: what a
// peer leaves behind must not count as felt beside the other. (Who still waits to be
// accepted shows up soon.)
func (c *Chain) letGo(ctx context.Context, held int) error {
	const looks, each = 5, 10 * time.Millisecond
	for end, good := time.Now().Add(hostileLetGo), 0; good < looks; good++ {
		if c.bridge.descriptors() > held+leaks {
			good = 0
		}
		if time.Now().After(end) {
			return fmt.Errorf("%v after a peer has ended the bridge holds %d descriptors, %d before", hostileLetGo, c.bridge.descriptors(), held)
		}
		if err := pause(ctx, each); err != nil {
			return err
		}
	}
	return nil
}

// takeTurn lets a process that has just been started do what it does.
func takeTurn(ctx context.Context, c *Chain, p *Process, lasts time.Duration) (t turned, err error) {
	if err := pause(ctx, hostileStart); err != nil {
		return t, err
	}
	t.from, t.cpu, t.bridge = monotonic(), cpuTime(p.PID), cpuTime(c.bridge.PID)
	err = pause(ctx, lasts)
	t.lasts, t.cpu, t.bridge = time.Duration(monotonic()-t.from), cpuTime(p.PID)-t.cpu, cpuTime(c.bridge.PID)-t.bridge
	return t, err
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
