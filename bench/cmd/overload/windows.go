package main

import (
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

const (
	sleepEvery = 200 * time.Microsecond
	// allowed is what ml-bridge keeps of a budget of 4 ms for the way back.
	allowed = 200 * time.Microsecond
	// windowTime is what is judged for itself, as in docs/chaos.md.
	windowTime = 100 * time.Millisecond
)

// noted is a call of the high class.
type noted struct {
	due    time.Duration // its intended start, of CLOCK_MONOTONIC
	inTime bool
}

// windows is what came of the calls that were due in windows of a run in which the machine
// was calm (hiccup.Log.Calm).
type windows struct{ all, valid, calls, inTime int }

// judge cuts a run that lasted so long into windows. One is valid where the machine
// was calm in it and in the time that its last calls may take: whether calls were late
// plays no part in it.
func judge(calls []noted, l *hiccup.Log, began, lasts, budget time.Duration) (w windows) {
	w.all = int(lasts / windowTime)
	valid := make([]bool, w.all)
	for i := range valid {
		from := began + time.Duration(i)*windowTime
		if valid[i] = l.Calm(int64(from), int64(from+windowTime+budget+allowed)); valid[i] {
			w.valid++
		}
	}
	for _, c := range calls {
		i := int((c.due - began) / windowTime)
		if c.due < began || i >= w.all || !valid[i] {
			continue
		}
		if w.calls++; c.inTime {
			w.inTime++
		}
	}
	return w
}
