package chaos

import (
	"math"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

// sideOf has so many calls in valid windows, slow of which took d and the others 100 µs.
func sideOf(n, slow int, d time.Duration) (s HostileSide) {
	for i := range n {
		took := 100 * time.Microsecond
		if i < slow {
			took = d
		}
		s.valid = append(s.valid, took)
	}
	s.tell()
	return s
}

func TestHostileJudges(t *testing.T) {
	const us = time.Microsecond
	at := func(p99 time.Duration) HostileSide { return sideOf(1000, 20, p99) }
	many := func(n int, peer, other HostileSide) (rounds []HostileRound) {
		for range n {
			rounds = append(rounds, HostileRound{peer, other})
		}
		return rounds
	}
	for name, c := range map[string]struct {
		rounds []HostileRound
		want   string
		worse  float64
	}{
		"good":                       {many(10, at(595*us), at(500*us)), "pass", 0.19},
		"bad":                        {many(10, at(605*us), at(500*us)), "fail", 0.21},
		"better":                     {many(10, at(400*us), at(500*us)), "pass", -0.2},
		"a stall is one of many":     {append(many(19, at(500*us), at(500*us)), HostileRound{sideOf(1000, 5, time.Second), at(500 * us)}), "pass", 0},
		"more calls on one side":     {many(10, sideOf(500, 10, 595*us), at(500*us)), "pass", 0.19},
		"anything may be the truth":  {append(many(5, at(500*us), at(500*us)), many(5, at(1500*us), at(500*us))...), void, 2},
		"few rounds":                 {many(5, at(500*us), at(500*us)), void, 0},
		"few calls":                  {many(10, sideOf(199, 3, 500*us), at(500*us)), void, 0},
		"rounds of which one counts": {append(many(5, at(500*us), at(500*us)), many(5, at(500*us), HostileSide{})...), void, 0},
		"nothing":                    {nil, void, 0},
	} {
		h := Hostile{Rounds: c.rounds}
		if h.judge(); h.Verdict != c.want || math.Abs(h.Worse-c.worse) > 0.001 || h.Least > h.Worse || h.Most < h.Worse {
			t.Errorf("%s: %s (%+.2f, %+.2f to %+.2f), want %s of %+.2f", name, h.Verdict, h.Worse, h.Least, h.Most, c.want, c.worse)
		}
	}
}

// The p99 of a choice of rounds is that of their calls, each as often as it was chosen.
func TestTails(t *testing.T) {
	var a tails
	for round := range 3 {
		var took []time.Duration
		for i := range 100 {
			took = append(took, time.Duration(1000*round+i))
		}
		a.add(took)
	}
	a.sort()
	for times, want := range map[[3]int]time.Duration{
		{1, 0, 0}: 99, {0, 1, 0}: 1099, {0, 0, 1}: 2099, // the 99th of 0 to 99, counted from 0
		{1, 1, 1}: 2097, {99, 1, 0}: 1000, {100, 1, 0}: 99, {0, 2, 0}: 1099, {0, 0, 0}: 0,
	} {
		if got := a.p99(times[:]); got != want {
			t.Errorf("%v: %v, want %v", times, got, want)
		}
	}
}

// A side is the calls of its turn, and those of its valid windows count.
func TestHostileSide(t *testing.T) {
	const ms = int64(time.Millisecond)
	begin := int64(time.Hour)
	f := new(felt)
	for i := range int64(1000) { // one every ms, 300 of them before the turn
		f.note(feltCall{intended: begin + i*ms, latency: time.Duration(i) * time.Microsecond})
	}
	turn := turned{from: begin + 300*ms, lasts: 505 * time.Millisecond, cpu: 101 * time.Millisecond, bridge: 50500 * time.Microsecond, threads: 3}
	log := logOf(begin, hiccup.Stall{From: 450 * ms, To: 460 * ms}, hiccup.Stall{From: 800 * ms, To: 801 * ms})
	s := f.side(turn, log)
	// The window from 400 is void, and that from 700, whose last calls are answered after 800.
	if s.Windows != 5 || s.Valid != 3 || s.Calls != 300 || len(s.all) != 500 || s.CPU != 0.2 || s.BridgeCPU != 0.1 || s.Threads != 3 {
		t.Errorf("%+v", s)
	}
	if s.P50us != 550 || s.P99us != 697 || s.AllP99us != 795 {
		t.Errorf("p50 %v, p99 %v, of all %v, want 550, 697, 795", s.P50us, s.P99us, s.AllP99us)
	}
}
