package main

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

func TestJudge(t *testing.T) {
	const (
		began  = time.Hour
		budget = 4 * time.Millisecond
	)
	var calls []noted
	for d := -20 * time.Millisecond; d < 1020*time.Millisecond; d += time.Millisecond {
		// Those of the third window are late, and those at the end of the fifth.
		late := d >= 200*time.Millisecond && d < 300*time.Millisecond || d >= 490*time.Millisecond && d < 500*time.Millisecond
		calls = append(calls, noted{began + d, !late})
	}
	at := func(from, to time.Duration) hiccup.Log {
		return hiccup.Log{From: 0, To: int64(2 * began), Sleepers: []hiccup.Sleeper{{}, {Stalls: []hiccup.Stall{{From: int64(began + from), To: int64(began + to)}}}}}
	}
	for _, c := range []struct {
		from, to time.Duration // of a stall, in ms
		want     windows
	}{
		{-10, -5, windows{10, 10, 1000, 890}},
		{-10, 1, windows{10, 9, 900, 790}},
		{250, 251, windows{10, 9, 900, 890}}, // late calls in a void window do not count
		{503, 504, windows{10, 8, 800, 700}}, // the margin of the fifth window is void, too
		{505, 506, windows{10, 9, 900, 790}},
		{1003, 1004, windows{10, 9, 900, 790}},
		{-10, 1010, windows{10, 0, 0, 0}},
	} {
		l := at(c.from*time.Millisecond, c.to*time.Millisecond)
		if got := judge(calls, &l, began, time.Second, budget); got != c.want {
			t.Errorf("a stall from %d to %d ms: %+v, want %+v", c.from, c.to, got, c.want)
		}
	}
}
