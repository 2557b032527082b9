package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// drivenLoop is an open loop whose starts a test makes itself, with a warm-up of 10 ms and
// points of 30 ms; nobody drains it meanwhile.
func drivenLoop(t *testing.T, clock *fakeClock, target TargetFunc) *OpenLoop {
	t.Helper()
	o := fakeOptions(t, clock)
	o.Warmup, o.Interval = 10*time.Millisecond, 30*time.Millisecond
	o.MaxInFlight, o.LabelOf = 1, func(uint64) int { return 0 }
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	return newOpenLoop(o, target)
}

// TestWhatCountsIsMeantToBeMeasured: the intended start says whether a call belongs to the
// warm-up, not when it was made. The warm-up's last one is made 2 ms into the measured part,
// and what waits for it there is late.
func TestWhatCountsIsMeantToBeMeasured(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Warmup = 40 * time.Millisecond
	res := runOpen(t, o, func(c Call) {
		if c.N == 38 {
			clock.advance(int64(4 * time.Millisecond))
		}
		c.Done(Outcome{})
	})
	all := res.Total()
	if res.WarmupCalls != 40 || all.Intended != 100 || all.Answered != 100 {
		t.Errorf("%d warm-up calls, %d of %d answered; want 40 and 100", res.WarmupCalls, all.Answered, all.Intended)
	}
	if q := QuantilesOf(all.Latency); !near(q.Max, 2*time.Millisecond) || all.InBudget != 99 {
		t.Errorf("latency %v at most, %d in budget; want 2ms of the first, and 99", q.Max, all.InBudget)
	}
	if res.Elapsed != 100*time.Millisecond || res.Warmup != o.Warmup || res.Interrupted || res.Rate() != 1000 {
		t.Errorf("elapsed %v after %v, interrupted %v, %v a second", res.Elapsed, res.Warmup, res.Interrupted, res.Rate())
	}
}

// TestBeganIsTheMeasuredPart: on the wall clock, however long ago the run's clock says it is.
func TestBeganIsTheMeasuredPart(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Warmup = time.Second
	const ago = 99 * time.Millisecond // the last start
	before := time.Now()
	res := runOpen(t, o, func(c Call) { c.Done(Outcome{}) })
	if from, to := before.Add(-ago), time.Now().Add(-ago); res.Began.Before(from) || res.Began.After(to) {
		t.Errorf("began %v, want between %v and %v", res.Began, from, to)
	}
}

// TestLateStartsAreMadeUntilPatienceEnds: a target that blocks beyond the run's end delays
// the starts, and each counts from when it was meant to be; beyond the drain time, too, they
// are not made any more, and count against the run all the same.
func TestLateStartsAreMadeUntilPatienceEnds(t *testing.T) {
	for _, c := range []struct {
		blocks   time.Duration
		answered uint64
		latest   time.Duration
	}{
		{1090 * time.Millisecond, 100, 1090 * time.Millisecond}, // as patience ends
		{1090*time.Millisecond + 1, 11, 1090*time.Millisecond + 1},
	} {
		clock := &fakeClock{}
		res := runOpen(t, fakeOptions(t, clock), func(call Call) { // drains for a second
			if call.N == 10 {
				clock.advance(int64(c.blocks))
			}
			call.Done(Outcome{})
		})
		all := res.Total()
		if all.Intended != 100 || all.Answered != c.answered || all.Dropped != 100-c.answered || all.InBudget != 10 {
			t.Errorf("blocked for %v: %d of %d answered, %d dropped, %d in budget; want %d and the rest, 10", c.blocks, all.Answered, all.Intended, all.Dropped, all.InBudget, c.answered)
		}
		if q := QuantilesOf(all.Latency); !near(q.Max, c.latest) {
			t.Errorf("blocked for %v: latency %v at most, want %v", c.blocks, q.Max, c.latest)
		}
		if q := QuantilesOf(res.Pacing); q.Max != 0 {
			t.Errorf("pacing error %v of a target that blocks", q.Max)
		}
	}
}

// TestAScheduleThatNobodyCanKeepEnds: counting what was not made has an end, and says so.
func TestAScheduleThatNobodyCanKeepEnds(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock) // patience ends at 1.1 s, hope a second later
	var asked uint64
	o.LabelOf = func(n uint64) int { // 30 ms for every start, whatever becomes of it
		asked = n + 1
		clock.advance(int64(30 * time.Millisecond))
		return 0
	}
	res := runOpen(t, o, func(c Call) { c.Done(Outcome{}) })
	// The nth is 30 n ms late: the 70th is counted, being at 2100 ms, and one more tells that it is hopeless.
	if all := res.Total(); asked != 71 || all.Intended != 71 || res.Behind != 30*time.Millisecond {
		t.Errorf("%d starts looked at, %d counted, %v behind; want 71, 71, and 30ms", asked, all.Intended, res.Behind)
	}
	if v := res.Verdict(0); v.State != Void || !strings.Contains(v.Reason, "the last 30ms") {
		t.Errorf("verdict %v (%s), want void", v.State, v.Reason)
	}
	// Nor do starts for which there is no record go on for ever.
	r := drivenLoop(t, clock, func(Call) {})
	r.pacer.free = 0
	clock.now.Store(r.hopeless + 1)
	r.pace()
	if n := r.overrun[0].Load(); n != 0 || r.pacer.behind != r.end-r.start {
		t.Errorf("%d starts without a record, %v behind, want none of the measured part: all of it", n, time.Duration(r.pacer.behind))
	}
}

// TestLatenessOfDropsIsThePacers: that nothing was started does not excuse who started late.
func TestLatenessOfDropsIsThePacers(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.MaxInFlight, o.Drain = 1, time.Millisecond
	clock.oversleep = func(at int64) int64 {
		if at == int64(startDelay+20*time.Millisecond) {
			return int64(5 * time.Millisecond)
		}
		return 0
	}
	res := runOpen(t, o, func(Call) {}) // the first never ends
	var late int64
	for _, bar := range res.Pacing.Distribution() {
		if bar.From > 500_000 {
			late += bar.Count
		}
	}
	if all := res.Total(); late != 5 || all.Dropped != 99 || all.Lost != 1 {
		t.Errorf("%d late starts, %d dropped, %d lost; want 5, 99, 1", late, all.Dropped, all.Lost)
	}
}

// TestIssueIsTimedOnce: the time inside Issue is told with the next start, whatever becomes
// of that, and never of a start that was dropped.
func TestIssueIsTimedOnce(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.MaxInFlight, o.Drain = 1, time.Millisecond
	res := runOpen(t, o, func(c Call) {
		if clock.advance(int64(50 * time.Microsecond)); c.N < 9 {
			c.Done(Outcome{})
		}
	})
	if q := QuantilesOf(res.Issue); q.Count != 10 || !near(q.P50, 50*time.Microsecond) || !near(q.Max, 50*time.Microsecond) {
		t.Errorf("%+v, want 50 µs of ten", q)
	}
}

// TestLostCallsKeepTheirLateness: a generator that starts calls too late is not let off by a
// target that loses them, and what Issue took before one that is lost is told.
func TestLostCallsKeepTheirLateness(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Warmup, o.Drain = 20*time.Millisecond, time.Millisecond
	clock.oversleep = func(at int64) int64 {
		if at == int64(startDelay+60*time.Millisecond) {
			return int64(10*time.Millisecond) - 1
		}
		return 0
	}
	res := runOpen(t, o, func(c Call) {
		if clock.advance(1000); c.N < 10 || c.N >= 60 && c.N < 70 { // in the warm-up, and those that come late
			return
		}
		c.Done(Outcome{})
	})
	var late int64
	for _, bar := range res.Pacing.Distribution() {
		if bar.From > 500_000 {
			late += bar.Count
		}
	}
	all := res.Total()
	if all.Intended != 100 || all.Lost != 10 || all.Answered != 90 || res.WarmupCalls != 20 {
		t.Errorf("%d intended, %d lost, %d answered, %d in the warm-up; want 100, 10, 90, 20", all.Intended, all.Lost, all.Answered, res.WarmupCalls)
	}
	if n := res.Pacing.TotalCount(); n != 100 || late != 10 {
		t.Errorf("%d pacing errors, of which %d are large; want 100, 10", n, late)
	}
	if n := res.Issue.TotalCount(); n != 100 {
		t.Errorf("%d times inside Issue, want 100: each is told with the next start", n)
	}
	if v := res.Verdict(RequiredShare); v.State != Void {
		t.Errorf("verdict %v (%s), want void", v.State, v.Reason)
	}
}

// TestWhoHasTimeLeftIsNotLost: a run waits for the budget at least, a cancelled one too.
func TestWhoHasTimeLeftIsNotLost(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o := fakeOptions(t, &fakeClock{})
		o.Drain, o.Budget, o.MaxCalls = time.Millisecond, time.Minute, 2
		var open Call
		r, err := StartOpen(ctx, o, TargetFunc(func(c Call) {
			if c.N == 0 {
				open = c
				return
			}
			if c.Done(Outcome{}); cancelled {
				cancel()
			}
			time.AfterFunc(2*cancelDrain, func() { open.Done(Outcome{}) })
		}))
		if err != nil {
			t.Fatal(err)
		}
		if all := r.Wait().Total(); all.Answered != 2 || all.Lost != 0 {
			t.Errorf("cancelled %v: %d answered, %d lost; want 2 and none", cancelled, all.Answered, all.Lost)
		}
	}
}

// TestEveryReportThatCountsIsCounted, also of calls that end just as the run gives up.
func TestEveryReportThatCountsIsCounted(t *testing.T) {
	const calls = 50_000
	o := Options{
		Pacer: mustPace(t, "1e8"), Duration: time.Second, MaxCalls: calls, MaxInFlight: calls, Drain: time.Millisecond,
		Labels: []string{"a"}, Sources: []string{"s"}, Clock: &fakeClock{},
	}
	open, issued := make([]Call, calls), make(chan struct{})
	var counted atomic.Uint64
	var enders sync.WaitGroup
	for i := range 4 {
		enders.Go(func() {
			<-issued
			for n := i; n < calls; n += 4 {
				if open[n].Done(Outcome{}) {
					counted.Add(1)
				}
			}
		})
	}
	res := runOpen(t, o, func(c Call) {
		if open[c.N] = c; c.N == calls-1 {
			close(issued)
		}
	})
	enders.Wait()
	if all := res.Total(); all.Answered != counted.Load() || all.Answered+all.Lost != calls {
		t.Errorf("%d answered, %d lost of %d; %d reports were taken", all.Answered, all.Lost, calls, counted.Load())
	}
}

// TestWarmupsDropsAreNotCounted: neither those beyond the bound nor those without a record.
func TestWarmupsDropsAreNotCounted(t *testing.T) {
	clock := &fakeClock{}
	r := drivenLoop(t, clock, func(Call) {})
	clock.now.Store(r.start)
	for n := range uint64(r.o.Slots() + 1) {
		r.begin(n, r.start)
	}
	r.drain()
	r.conclude()
	if all := r.result.Total(); all.Intended != 0 || all.Dropped != 0 || r.result.Overrun != 0 {
		t.Errorf("%d intended, %d dropped, overrun %d; want none", all.Intended, all.Dropped, r.result.Overrun)
	}
}

// TestTimelineHasWhatHappenedWhen: by when calls ended, answers, errors and drops alike,
// though they are recorded later.
func TestTimelineHasWhatHappenedWhen(t *testing.T) {
	clock := &fakeClock{}
	var held Call
	r := drivenLoop(t, clock, func(c Call) {
		switch held = c; c.N {
		case 0:
			clock.advance(int64(time.Millisecond)) // just in budget
			c.Done(Outcome{Source: 1})
		case 1:
			clock.advance(int64(time.Millisecond) + 1)
			c.Done(Outcome{})
		case 2:
			c.Done(Outcome{Err: errors.New("no")})
		}
	})
	for n, at := range []time.Duration{0, 35, 62, 64, 92, 95} { // ms; the fourth is held, the others find no place
		intended := r.measured + int64(at*time.Millisecond)
		clock.now.Store(intended)
		r.begin(uint64(n), intended)
	}
	r.drain()
	held.Done(Outcome{})
	r.drain()
	r.conclude()
	var got []string
	for _, p := range r.result.Points {
		got = append(got, fmt.Sprint(p.At, p.For, p.Answered, p.InBudget, p.Errors, p.Dropped, p.Sources))
	}
	want := "[30ms 30ms 1 1 0 0 [0 1] 60ms 30ms 1 0 0 0 [1 0] 90ms 30ms 0 0 1 0 [0 0] 95ms 5ms 1 0 0 2 [1 0]]"
	if fmt.Sprint(got) != want {
		t.Errorf("points %v, want %s", got, want)
	}
	if p := r.result.Points; !near(p[1].Max, time.Millisecond+1) || p[2].Max != 0 || !near(p[3].P50, 31*time.Millisecond) {
		t.Errorf("latencies %v, %v, %v; want 1ms, none, 31ms", p[1].Max, p[2].Max, p[3].P50)
	}
	s := r.Snapshot()
	if l := s.Labels[0]; l.Answered != 3 || l.InBudget != 1 || l.Errors != 1 || l.Dropped != 2 || l.Share() != 1.0/6 {
		t.Errorf("snapshot %+v", l)
	}
	if s.Elapsed != 95*time.Millisecond || s.Total != 100*time.Millisecond || s.Warming || s.Last.At != 95*time.Millisecond {
		t.Errorf("%v of %v, warming %v, last %v", s.Elapsed, s.Total, s.Warming, s.Last.At)
	}
	clock.now.Store(r.measured - 1)
	if s := r.Snapshot(); !s.Warming || s.Elapsed != 0 {
		t.Errorf("before: warming %v, elapsed %v", s.Warming, s.Elapsed)
	}
	clock.now.Store(r.end + 1)
	if s := r.Snapshot(); s.Warming || s.Elapsed != s.Total {
		t.Errorf("after: warming %v, elapsed %v of %v", s.Warming, s.Elapsed, s.Total)
	}
}

// TestSourcesLatencyIsFromTheIntendedStart, as the label's is.
func TestSourcesLatencyIsFromTheIntendedStart(t *testing.T) {
	clock := &fakeClock{}
	res := runOpen(t, fakeOptions(t, clock), func(c Call) {
		if c.N == 10 {
			clock.advance(int64(20 * time.Millisecond))
		}
		c.Done(Outcome{Source: int(c.N) % 2, Reason: 0})
	})
	if q := QuantilesOf(res.Total().Sources[1].Latency); q.Count != 50 || !near(q.Max, 19*time.Millisecond) {
		t.Errorf("%+v of the odd calls, want 50, at most 19ms: call 11 waited for call 10", q)
	}
}

// TestVerdictIsOfTheP99: a hundredth of the starts may be late, and no call record missing.
func TestVerdictIsOfTheP99(t *testing.T) {
	for late, want := range map[int]State{9: Pass, 11: Void} {
		r := sampleResult(t)
		r.Labels[0].Intended, r.Labels[0].InBudget = 1000, 1000
		for i := range 1000 {
			if i < late {
				record(r.Pacing, int64(time.Second))
			} else {
				record(r.Pacing, 0)
			}
		}
		if v := r.Verdict(1); v.State != want || v.Share != 1 {
			t.Errorf("%d of 1000 late: %v of share %v (%s), want %v", late, v.State, v.Share, v.Reason, want)
		}
	}
	r := sampleResult(t)
	r.Labels[0].Intended, r.Labels[0].InBudget = 1000, 900
	for required, want := range map[float64]State{0.9: Pass, 0.95: Fail} {
		if v := r.Verdict(required); v.State != want || v.Share != 0.9 {
			t.Errorf("%v required: %v of share %v, want %v", required, v.State, v.Share, want)
		}
	}
	if r.Overrun = 1; r.Verdict(0.5).State != Void {
		t.Error("a start found no call record, and the run is judged")
	}
}

// TestFewCallsTellNothing: where one late call decides, and not when none or more than one is missing.
func TestFewCallsTellNothing(t *testing.T) {
	for _, c := range []struct {
		intended, inBudget uint64
		required           float64
		want               State
	}{
		{999, 999, 0.999, Pass},
		{999, 998, 0.999, Void},
		{999, 997, 0.999, Fail},
		{1000, 1000, 0.999, Pass},
		{1, 1, 0.999, Pass},
		{1, 0, 0.999, Void},
		{2, 0, 0.999, Fail},
		{9, 9, 0.9, Pass},
		{9, 8, 0.9, Void},
		{10, 9, 0.9, Pass},
		{1, 1, 0, Pass},
		{1, 0, 1, Fail},
		{3, 3, 1, Pass}, // that one decides is what is asked for
	} {
		r := sampleResult(t)
		r.Labels[0].Intended, r.Labels[0].InBudget = c.intended, c.inBudget
		if v := r.Verdict(c.required); v.State != c.want || (v.State == Void) != (v.Remedy == longer) || (v.State == Void) != strings.HasPrefix(v.Reason, "too few calls to tell") {
			t.Errorf("%d of %d, %v required: %v (%s; %s), want %v", c.inBudget, c.intended, c.required, v.State, v.Reason, v.Remedy, c.want)
		}
	}
}

// TestTheGeneratorsLatenessIsNoFailure: of a thousand starts nine may be late by 5 ms and their
// p99 is none; that they miss the budget, whatever then becomes of them, is no word about the
// target. What it does to calls that were on time is its own.
func TestTheGeneratorsLatenessIsNoFailure(t *testing.T) {
	const late = 400 // by 5 ms, and the four after it by what is left
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		answer func(*fakeClock, Call)
		want   State
		excuse uint64
	}{
		"in time": {func(_ *fakeClock, c Call) { c.Done(Outcome{}) }, Void, 4}, // the last but one waited for 1 ms, which is in budget
		"one late by itself": {func(clock *fakeClock, c Call) {
			if c.N == 7 {
				clock.advance(int64(time.Millisecond) + 1)
			}
			c.Done(Outcome{})
		}, Void, 4},
		"two late by themselves": {func(clock *fakeClock, c Call) {
			if c.N == 7 || c.N == 9 {
				clock.advance(int64(time.Millisecond) + 1)
			}
			c.Done(Outcome{})
		}, Fail, 4},
		"refuses those": {func(_ *fakeClock, c Call) {
			if c.N >= late && c.N < late+4 {
				c.Done(Outcome{Err: refused}) // as a client does for which no time is left
				return
			}
			c.Done(Outcome{})
		}, Void, 4},
		"refuses two others": {func(_ *fakeClock, c Call) {
			if c.N == 7 || c.N == 9 {
				c.Done(Outcome{Err: refused})
				return
			}
			c.Done(Outcome{})
		}, Fail, 4},
		"loses those": {func(_ *fakeClock, c Call) {
			if c.N < late || c.N >= late+4 {
				c.Done(Outcome{})
			}
		}, Void, 4},
		"loses two others": {func(_ *fakeClock, c Call) {
			if c.N != 7 && c.N != 9 {
				c.Done(Outcome{})
			}
		}, Fail, 4},
	} {
		clock := &fakeClock{}
		o := fakeOptions(t, clock)
		o.Duration, o.Drain = time.Second, time.Millisecond
		clock.oversleep = func(at int64) int64 {
			if at == int64(startDelay+late*time.Millisecond) {
				return int64(5 * time.Millisecond)
			}
			return 0
		}
		res := runOpen(t, o, func(call Call) { c.answer(clock, call) })
		v, all := res.Verdict(RequiredShare), res.Total()
		if v.State != c.want || all.Excused != c.excuse || all.Intended != 1000 {
			t.Errorf("%s: %v (%s) with %d of %d excused, want %v with %d", name, v.State, v.Reason, all.Excused, all.Intended, c.want, c.excuse)
		}
		if v.State == Void && !strings.Contains(v.Reason, "4 of the others were started late by the load generator itself") {
			t.Errorf("%s: the reason is %q", name, v.Reason)
		}
	}
	// A late start that finds no place is the generator's as well; those on time are not.
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Duration, o.MaxInFlight, o.LabelOf = time.Second, 1, func(uint64) int { return 0 }
	var held Call
	clock.oversleep = func(at int64) int64 {
		switch at {
		case int64(startDelay + late*time.Millisecond):
			return int64(5 * time.Millisecond)
		case int64(startDelay + (late+7)*time.Millisecond):
			held.Done(Outcome{})
		}
		return 0
	}
	res := runOpen(t, o, func(c Call) {
		if c.N == late {
			held = c
			return
		}
		c.Done(Outcome{})
	})
	if all, v := res.Total(), res.Verdict(RequiredShare); all.Dropped != 6 || all.Excused != 5 || v.State != Fail {
		t.Errorf("%d dropped, %d excused, %v (%s); want 6, of which two were on time, 4 and the one held, and a failure for those two", all.Dropped, all.Excused, v.State, v.Reason)
	}
}

// TestLongGapsAreSleptThrough, in slices in which the pacing thread looks whether it should stop.
func TestLongGapsAreSleptThrough(t *testing.T) {
	o := fakeOptions(t, &fakeClock{})
	o.Pacer, o.Duration = mustPace(t, "8"), time.Second // 125 ms apart: twelve slices and a half
	res := runOpen(t, o, func(c Call) { c.Done(Outcome{}) })
	if all := res.Total(); all.Answered != 8 || QuantilesOf(all.Latency).Max != 0 {
		t.Errorf("%d answered, within %v; want 8 at once", all.Answered, QuantilesOf(all.Latency).Max)
	}
}

// TestTimeGoesOnWhereNothingHappens: intervals end though no call does, for whoever watches a
// target that stalls, and one in which nothing has happened is not begun at the end.
func TestTimeGoesOnWhereNothingHappens(t *testing.T) {
	clock := &fakeClock{}
	r := drivenLoop(t, clock, func(Call) {})
	clock.now.Store(r.measured + int64(60*time.Millisecond))
	r.drain()
	if s := r.Snapshot(); s.Last.At != 60*time.Millisecond || s.Last.For != 30*time.Millisecond {
		t.Errorf("the last interval is %+v, want the second of 30ms", s.Last)
	}
	r.conclude()
	if n := len(r.result.Points); n != 2 {
		t.Errorf("%d points, want 2: %+v", n, r.result.Points)
	}
}

func TestAWindowWithAnythingIsNotEmpty(t *testing.T) {
	for n := range 8 {
		w := newWindow(1)
		w.point.Answered, w.point.Errors, w.point.Dropped = uint64(n&1), uint64(n>>1&1), uint64(n>>2)
		if w.empty() != (n == 0) {
			t.Errorf("%+v: empty is %v", w.point, w.empty())
		}
	}
}

// TestClosedLoopSaysSo where it is judged.
func TestClosedLoopSaysSo(t *testing.T) {
	for mode, want := range map[string]bool{"open": false, "closed": true} {
		r := sampleResult(t)
		r.Mode, r.Labels[0].Intended, r.Labels[0].InBudget = mode, 1000, 1000
		if v := r.Verdict(RequiredShare); strings.Contains(v.Reason, "closed loop") != want || v.State != Pass {
			t.Errorf("%s loop: %v (%s)", mode, v.State, v.Reason)
		}
	}
}

// TestClosedLoopsWarmupAndErrors: a call is of the part in which it was made, errors are calls,
// and none is made at the end.
func TestClosedLoopsWarmupAndErrors(t *testing.T) {
	clock := &fakeClock{}
	r, err := StartClosed(t.Context(), Options{
		Workers: 1, Warmup: 10 * time.Millisecond, Duration: 100 * time.Millisecond, Budget: 4 * time.Millisecond,
		Labels: []string{"a"}, Sources: []string{"s"}, Clock: clock,
	}, func(_ context.Context, _ int, n uint64, _ int) Outcome {
		if clock.advance(int64(4 * time.Millisecond)); n%2 == 1 {
			return Outcome{Err: errors.New("no")}
		}
		return Outcome{}
	})
	if err != nil {
		t.Fatal(err)
	}
	// Calls at 0, 4, 8 are the warm-up's, at 12 to 108 the others: 25, of which 13 odd.
	res := r.Wait()
	all := res.Total()
	if res.WarmupCalls != 3 || all.Intended != 25 || all.Answered != 12 || all.InBudget != 12 || all.Errors != 13 {
		t.Errorf("%d warm-up calls, %d calls, %d answers, %d in budget, %d errors; want 3, 25, 12, 12, 13", res.WarmupCalls, all.Intended, all.Answered, all.InBudget, all.Errors)
	}
	if res.Elapsed != 100*time.Millisecond || res.Rate() != 120 || res.Interrupted {
		t.Errorf("elapsed %v at %v a second, interrupted %v; want 100ms, 120", res.Elapsed, res.Rate(), res.Interrupted)
	}
}

// TestStoppedInTheDrain: all starts were made, so all of the run was measured.
func TestStoppedInTheDrain(t *testing.T) {
	clock := &fakeClock{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := StartOpen(ctx, fakeOptions(t, clock), TargetFunc(func(c Call) {
		if c.N != 99 {
			c.Done(Outcome{})
			return
		}
		go func() {
			<-c.run.paced
			cancel()
		}()
	}))
	if err != nil {
		t.Fatal(err)
	}
	res := r.Wait()
	if all := res.Total(); res.Interrupted || res.Elapsed != res.Planned || all.Intended != 100 || all.Lost != 1 {
		t.Errorf("interrupted %v after %v of %v, %d calls, %d lost; want all 100, and one lost", res.Interrupted, res.Elapsed, res.Planned, all.Intended, all.Lost)
	}
}

// TestStoppedInAPause: a slow schedule's last start may be long ago when it is stopped.
func TestStoppedInAPause(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Pacer, o.Duration = mustPace(t, "steps:1000x10ms,0.001x1h"), time.Hour
	r := newOpenLoop(o, TargetFunc(func(c Call) { c.Done(Outcome{}) }))
	clock.advance(int64(time.Minute))
	r.stop.Store(true)
	r.pace()
	if got := r.elapsed(); got < 50*time.Second || got > time.Minute {
		t.Errorf("a run of an hour that was stopped after a minute measured for %v", got)
	}
}
