package chaos

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

const (
	// hostileEnough is how many rounds with calls on both sides a verdict takes, and
	// hostileCalls how many calls on each: twenty of those are above the p99.
	hostileEnough = 6
	hostileCalls  = 2000
	// hostileResamples is how often the bootstrap draws anew.
	hostileResamples = 2000
)

// side gathers what was felt in a turn. A call counts in the window in which it was due,
// and the time in which most are answered must be as good.
func (f *felt) side(t turned, log *hiccup.Log) HostileSide {
	const margin = frozenBudget + frozenAllowed
	s := HostileSide{CPU: t.cpu.Seconds() / t.lasts.Seconds(), BridgeCPU: t.bridge.Seconds() / t.lasts.Seconds(), Threads: t.threads}
	for from, end := t.from, t.from+int64(t.lasts); from+int64(frozenWindow) <= end; from += int64(frozenWindow) {
		to := from + int64(frozenWindow)
		took := f.between(from, to)
		s.Windows++
		s.all = append(s.all, took...)
		if log.Calm(from, to+int64(margin)) {
			s.Valid++
			s.valid = append(s.valid, took...)
		}
	}
	s.tell()
	return s
}

// tell says what came of the calls.
func (s *HostileSide) tell() {
	slices.Sort(s.valid)
	slices.Sort(s.all)
	s.Calls = len(s.valid)
	s.P50us, s.P99us, s.AllP99us = micros(quantile(s.valid, 0.5)), micros(quantile(s.valid, 0.99)), micros(quantile(s.all, 0.99))
}

// quantile gives that of values in order; 0 for none.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[min(int(float64(len(d))*q), len(d)-1)]
}

// add adds up sides of several turns.
func (s *HostileSide) add(o *HostileSide) {
	s.CPU, s.BridgeCPU, s.Threads = s.CPU+o.CPU, s.BridgeCPU+o.BridgeCPU, max(s.Threads, o.Threads)
	s.Windows, s.Valid = s.Windows+o.Windows, s.Valid+o.Valid
	s.valid, s.all = append(s.valid, o.valid...), append(s.all, o.all...)
}

// judge is about the rounds in which calls count on both sides.
func (h *Hostile) judge() {
	var peer, other tails
	for i := range h.Rounds {
		r := &h.Rounds[i]
		h.Peer.add(&r.Peer)
		h.Other.add(&r.Other)
		if len(r.Peer.valid) > 0 && len(r.Other.valid) > 0 {
			peer.add(r.Peer.valid)
			other.add(r.Other.valid)
		}
	}
	n := float64(max(len(h.Rounds), 1))
	for _, s := range []*HostileSide{&h.Peer, &h.Other} {
		s.CPU, s.BridgeCPU = s.CPU/n, s.BridgeCPU/n
		s.tell()
	}
	h.Worse, h.Least, h.Most = compare(&peer, &other)
	switch {
	case len(peer.calls) < hostileEnough, h.Peer.Calls < hostileCalls, h.Other.Calls < hostileCalls, h.Most-h.Least > 2*hostileAllowed:
		h.Verdict = void
	case h.Worse <= hostileAllowed:
		h.Verdict = "pass"
	default:
		h.Verdict = "fail"
	}
}

// tails are calls by round, so that the p99 of any choice of rounds can be told.
type tails struct {
	calls []int // in each round
	slow  []slowCall
}

type slowCall struct {
	took  time.Duration
	round int
}

// add takes the next round's calls.
func (t *tails) add(took []time.Duration) {
	for _, d := range took {
		t.slow = append(t.slow, slowCall{d, len(t.calls)})
	}
	t.calls = append(t.calls, len(took))
}

// sort puts the slowest first.
func (t *tails) sort() {
	slices.SortStableFunc(t.slow, func(a, b slowCall) int { return int(b.took - a.took) })
}

// p99 is that of all calls where each round counts so many times.
func (t *tails) p99(times []int) time.Duration {
	all := 0
	for i, n := range t.calls {
		all += n * times[i]
	}
	above := all - all*99/100 // that are as slow or slower
	for _, c := range t.slow {
		if times[c.round] == 0 {
			continue
		}
		if above -= times[c.round]; above <= 0 {
			return c.took
		}
	}
	return 0
}

// compare gives by how much the p99 of a is worse than that of b, and the interval: its
// ends are the 2.5th and 97.5th percentile of what rounds drawn from these, as many and
// with replacement, would have given. Chance is the same in every run.
func compare(a, b *tails) (worse, least, most float64) {
	a.sort()
	b.sort()
	rounds := len(a.calls)
	if rounds == 0 {
		return 0, 0, 0
	}
	times := make([]int, rounds)
	ratio := func() float64 { return float64(a.p99(times))/float64(max(b.p99(times), 1)) - 1 }
	for i := range times {
		times[i] = 1
	}
	worse = ratio()
	chance := rand.New(rand.NewPCG(1, 2))
	drawn := make([]float64, hostileResamples)
	for i := range drawn {
		clear(times)
		for range rounds {
			times[chance.IntN(rounds)]++
		}
		drawn[i] = ratio()
	}
	slices.Sort(drawn)
	return worse, drawn[len(drawn)*25/1000], drawn[len(drawn)*975/1000]
}
