package chaos

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

// playFrozen plays a run of a second: the call that is due at t takes what took says. The
// first one is due at begin.
func playFrozen(begin int64, took func(t time.Duration) time.Duration) *felt {
	f := new(felt)
	for n := range int64(frozenRate) {
		t := time.Duration(n) * time.Second / frozenRate
		d := took(t)
		f.note(feltCall{intended: begin + int64(t), latency: d, inTime: d <= frozenBudget+frozenAllowed})
	}
	return f
}

// logOf is the log of sleepers on two processors that were late in the given times, which
// count from the first call.
func logOf(begin int64, stalls ...hiccup.Stall) *hiccup.Log {
	l := &hiccup.Log{From: begin - 1e9, To: begin + 3e9, Sleepers: make([]hiccup.Sleeper, 2)}
	for _, s := range stalls {
		x := &l.Sleepers[1]
		x.Missed++
		x.Stalls = append(x.Stalls, hiccup.Stall{From: begin + s.From, To: begin + s.To})
	}
	return l
}

func TestFrozenWindows(t *testing.T) {
	const (
		begin = int64(time.Hour)
		ms    = int64(time.Millisecond)
	)
	quick := func(time.Duration) time.Duration { return time.Microsecond }
	for name, c := range map[string]struct {
		took                      func(time.Duration) time.Duration
		stalls                    []hiccup.Stall
		valid, first              int
		calls, inTime, voidInTime uint64
	}{
		"all is well": {quick, nil, 10, 1, 5000, 5000, 0},
		"late calls are no reason to look away": {
			func(t time.Duration) time.Duration { return 2 * time.Millisecond },
			nil, 10, 1, 5000, 0, 0,
		},
		"nor are calls in time a reason to look": {quick, []hiccup.Stall{{From: 250 * ms, To: 254 * ms}}, 9, 1, 4500, 4500, 500},
		"a stall in the first window":            {quick, []hiccup.Stall{{From: 99 * ms, To: 99*ms + 500}}, 9, 0, 4500, 4500, 500},
		"over an edge":                           {quick, []hiccup.Stall{{From: 399 * ms, To: 402 * ms}}, 8, 1, 4000, 4000, 1000},
		// The last calls of the window from 300 ms are answered up to 401.2.
		"right after an edge":       {quick, []hiccup.Stall{{From: 401 * ms, To: 402 * ms}}, 8, 1, 4000, 4000, 1000},
		"later than that":           {quick, []hiccup.Stall{{From: 402 * ms, To: 403 * ms}}, 9, 1, 4500, 4500, 500},
		"in the margin of the last": {quick, []hiccup.Stall{{From: 1001 * ms, To: 1002 * ms}}, 9, 1, 4500, 4500, 500},
		"what it leaves behind counts": {
			func(t time.Duration) time.Duration {
				if t >= 495*time.Millisecond && t < 505*time.Millisecond {
					return 5 * time.Millisecond
				}
				return 0
			},
			[]hiccup.Stall{{From: 490 * ms, To: 499 * ms}},
			9, 1, 4500, 4475, 475,
		},
	} {
		r := frozenRun(playFrozen(begin, c.took), logOf(begin, c.stalls...), time.Second)
		if r.Windows != 10 || r.Valid != c.valid || r.First != c.first || r.Calls != c.calls || r.InTime != c.inTime || r.VoidInTime != c.voidInTime || r.Calls+r.VoidCalls != 5000 || r.ControlMissed != uint64(len(c.stalls)) || len(r.Late) != int(min(r.Calls-r.InTime, frozenLateMost)) {
			t.Errorf("%s: %+v\nwant %+v", name, r, c)
		}
	}
}

// A call that was due and not made was not in time, and sleepers that have not slept
// throughout vouch for nothing.
func TestFrozenWindowsMissNothing(t *testing.T) {
	begin := int64(time.Hour)
	f := playFrozen(begin, func(time.Duration) time.Duration { return 0 })
	f.calls = append(f.calls[:600], f.calls[700:]...)
	l := logOf(begin)
	l.To = begin + int64(950*time.Millisecond)
	if r := frozenRun(f, l, time.Second); r.Calls != 4500 || r.InTime != 4400 || r.VoidCalls != 500 {
		t.Errorf("%+v, want 4400 of 4500 in time and 500 void", r)
	}
	if r := frozenRun(new(felt), l, time.Second); r.Windows != 0 || r.Calls != 0 {
		t.Errorf("without a call: %+v", r)
	}
}

func TestFrozenJudges(t *testing.T) {
	for _, c := range []struct {
		runs []FrozenRun
		want string
	}{
		{[]FrozenRun{{Calls: 25_000, InTime: 24_999}, {VoidCalls: 25_000, VoidInTime: 20_000}, {Calls: 25_000, InTime: 24_996}}, "pass"},
		{[]FrozenRun{{Calls: 25_000, InTime: 24_999}, {Calls: 25_000, InTime: 24_995}}, "fail"},
		{[]FrozenRun{{VoidCalls: 25_000, VoidInTime: 25_000}}, void},
		{[]FrozenRun{{Calls: 9_999, InTime: 9_999}}, void}, // one late call would have been too many
	} {
		var f Frozen
		for _, r := range c.runs {
			f.add(r)
		}
		if f.judge(); f.Verdict != c.want || len(f.Runs) != len(c.runs) {
			t.Errorf("%+v: %s, want %s", c.runs, f.Verdict, c.want)
		}
	}
}
