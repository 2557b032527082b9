package load

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// fakeOptions are a run on a fake clock: 1000 calls a second for 100 ms.
func fakeOptions(t testing.TB, clock *fakeClock) Options {
	return Options{
		Pacer: mustPace(t, "1000"), Duration: 100 * time.Millisecond,
		Labels: []string{"a", "b"}, Sources: []string{"model", "rule"}, Clock: clock,
	}
}

func runOpen(t testing.TB, o Options, target TargetFunc) *Result {
	t.Helper()
	r, err := StartOpen(t.Context(), o, target)
	if err != nil {
		t.Fatalf("StartOpen: %v", err)
	}
	return r.Wait()
}

// near says whether got is within the histograms' precision of want.
func near(got, want time.Duration) bool {
	return got >= want && float64(got) <= float64(want)*1.0011+1
}

func TestLatencyCountsFromTheIntendedStart(t *testing.T) {
	clock := &fakeClock{}
	// Call 10 blocks for 20 ms; every other answer takes 50 µs.
	res := runOpen(t, fakeOptions(t, clock), func(c Call) {
		if c.N == 10 {
			clock.advance(int64(20 * time.Millisecond))
		} else {
			clock.advance(int64(50 * time.Microsecond))
		}
		c.Done(Outcome{})
	})
	all := res.Total()
	if all.Intended != 100 || all.Answered != 100 {
		t.Fatalf("intended %d, answered %d, want 100 each", all.Intended, all.Answered)
	}
	// The stall spoils call 10 and the starts that fell into it: call 10+k waits
	// 20−k ms and then for the k−1 answers in between. Calls 10 to 29 are late;
	// naively, only call 10 is.
	if slow := all.Answered - all.InBudget; slow != 20 {
		t.Errorf("%d calls out of budget, want 20", slow)
	}
	if naive := QuantilesOf(all.Naive); !near(naive.P90, 50*time.Microsecond) || !near(naive.Max, 20*time.Millisecond) {
		t.Errorf("naive latency %+v, want p90 50µs and max 20ms", naive)
	}
	if q := QuantilesOf(all.Latency); q.P90 < 8*time.Millisecond {
		t.Errorf("latency p90 %v hides the stall", q.P90)
	}
	// The target blocked, not the generator.
	if q := QuantilesOf(res.Pacing); q.Max != 0 {
		t.Errorf("pacing error %v, want none: the target blocked", q.Max)
	}
	if q := QuantilesOf(res.Issue); !near(q.Max, 20*time.Millisecond) {
		t.Errorf("time in Issue %v at most, want 20ms", q.Max)
	}
	if v := res.Verdict(RequiredShare); v.State != Fail {
		t.Errorf("verdict %v (%s), want fail", v.State, v.Reason)
	}
}

func TestOversleepIsChargedToThePacerAndVoids(t *testing.T) {
	clock := &fakeClock{}
	// Asleep for 5 ms beyond the 20th start: starts 20 to 25 are late by 5, 4, 3,
	// 2, 1, 0 ms, and the whole backlog is the pacer's fault.
	clock.oversleep = func(at int64) int64 {
		if at == int64(startDelay+20*time.Millisecond) {
			return int64(5 * time.Millisecond)
		}
		return 0
	}
	res := runOpen(t, fakeOptions(t, clock), func(c Call) { c.Done(Outcome{}) })
	var late int64
	for _, bar := range res.Pacing.Distribution() {
		if bar.From > 500_000 {
			late += bar.Count
		}
	}
	if late != 5 {
		t.Errorf("%d starts charged to the pacer, want 5", late)
	}
	if v := res.Verdict(RequiredShare); v.State != Void {
		t.Errorf("verdict %v (%s), want void", v.State, v.Reason)
	}
}

func TestDroppedStartsAreCountedNotDelayed(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.MaxInFlight = 3
	o.Drain = time.Second
	// The first three calls are held until start 50 is due, the bound being three.
	var held []Call
	clock.oversleep = func(at int64) int64 {
		if at == int64(startDelay+50*time.Millisecond) {
			for _, c := range held {
				c.Done(Outcome{Source: 1})
			}
		}
		return 0
	}
	res := runOpen(t, o, func(c Call) {
		if c.N < 50 {
			held = append(held, c)
			return
		}
		c.Done(Outcome{})
	})
	all := res.Total()
	if all.Intended != 100 || all.Dropped != 47 || all.Answered != 53 {
		t.Errorf("intended %d, dropped %d, answered %d, want 100, 47, 53", all.Intended, all.Dropped, all.Answered)
	}
	if all.InBudget != 50 || all.Share() != 0.5 {
		t.Errorf("in budget %d, share %v, want 50 and 0.5: dropped starts count against it", all.InBudget, all.Share())
	}
	if all.Sources[1].Count != 3 || all.Sources[0].Count != 50 {
		t.Errorf("sources %d and %d, want 50 and 3", all.Sources[0].Count, all.Sources[1].Count)
	}
}

func TestLostCallsEndTheRunAnyway(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Drain = 5 * time.Millisecond
	var lost Call
	res := runOpen(t, o, func(c Call) {
		if c.N == 7 {
			lost = c
			return
		}
		c.Done(Outcome{})
	})
	if all := res.Total(); all.Lost != 1 || all.Answered != 99 {
		t.Errorf("lost %d, answered %d, want 1 and 99", all.Lost, all.Answered)
	}
	if lost.Done(Outcome{}) {
		t.Errorf("a report after the end of the run counted")
	}
}

func TestOnlyTheFirstReportCounts(t *testing.T) {
	clock := &fakeClock{}
	var second, stale int
	var before Call
	res := runOpen(t, fakeOptions(t, clock), func(c Call) {
		if c.N > 0 && before.Done(Outcome{Source: 1}) {
			stale++
		}
		c.Done(Outcome{})
		if c.Done(Outcome{Source: 1}) {
			second++
		}
		before = c
	})
	if second != 0 || stale != 0 || res.Total().Answered != 100 {
		t.Errorf("%d second and %d stale reports counted, %d answers of 100", second, stale, res.Total().Answered)
	}
}

func TestErrorsAreNoAnswers(t *testing.T) {
	clock := &fakeClock{}
	refused := errors.New("refused")
	res := runOpen(t, fakeOptions(t, clock), func(c Call) {
		switch {
		case c.N < 10:
			c.Done(Outcome{Err: refused})
		case c.N == 10:
			c.Done(Outcome{Source: 2}) // of which there are two
		default:
			c.Done(Outcome{})
		}
	})
	all := res.Total()
	if all.Errors != 11 || all.Answered != 89 || all.Share() != 0.89 {
		t.Errorf("errors %d, answered %d, share %v, want 11, 89, 0.89", all.Errors, all.Answered, all.Share())
	}
	if all.Messages["refused"] != 10 || all.Messages[errBadSource.Error()] != 1 {
		t.Errorf("messages %v", all.Messages)
	}
}

func TestWarmupIsLeftOut(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Warmup = 40 * time.Millisecond
	res := runOpen(t, o, func(c Call) {
		if c.N < 40 {
			clock.advance(int64(500 * time.Microsecond))
		}
		c.Done(Outcome{})
	})
	all := res.Total()
	if res.WarmupCalls != 40 || all.Intended != 100 {
		t.Errorf("warm-up calls %d, intended %d, want 40 and 100", res.WarmupCalls, all.Intended)
	}
	if q := QuantilesOf(all.Latency); q.Max != 0 {
		t.Errorf("latency %v at most, want 0: slow calls belong to the warm-up", q.Max)
	}
}

func TestMaxCallsAndLabels(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.MaxCalls = 30
	o.LabelOf = func(n uint64) int { return int(n / 20) }
	slots := map[int]bool{}
	res := runOpen(t, o, func(c Call) {
		slots[c.Slot()] = c.Slot() >= 0 && c.Slot() < o.Slots()
		c.Done(Outcome{})
	})
	if a, b := res.Labels[0], res.Labels[1]; a.Intended != 20 || b.Intended != 10 {
		t.Errorf("labels got %d and %d calls, want 20 and 10", a.Intended, b.Intended)
	}
	for s, ok := range slots {
		if !ok {
			t.Errorf("slot %d is out of range", s)
		}
	}
	if res.Elapsed != 29*time.Millisecond {
		t.Errorf("elapsed %v, want 29ms", res.Elapsed)
	}
}

func TestTimelineAddsUp(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	o.Interval = 30 * time.Millisecond
	res := runOpen(t, o, func(c Call) {
		clock.advance(int64(c.N) * 1000)
		c.Done(Outcome{Source: int(c.N % 2)})
	})
	var answered, sources uint64
	for _, p := range res.Points {
		answered += p.Answered
		sources += p.Sources[0] + p.Sources[1]
	}
	if answered != 100 || sources != 100 {
		t.Errorf("timeline has %d answers, %d by source, want 100", answered, sources)
	}
	if len(res.Points) != 4 || res.Points[0].At != 30*time.Millisecond || res.Points[3].For > 10*time.Millisecond {
		t.Errorf("points %+v, want 30, 60, 90 ms and a short last one", res.Points)
	}
	if p := res.Points; p[0].P50 >= p[2].P50 {
		t.Errorf("p50 %v then %v, want it to grow", p[0].P50, p[2].P50)
	}
}

func TestCancelStopsSoonAndReports(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fifth := make(chan struct{})
	r, err := StartOpen(ctx, Options{
		Pacer: mustPace(t, "steps:1000x10ms,0.001x1h"), Duration: time.Hour, Drain: time.Hour,
		Labels: []string{"a"}, Sources: []string{"s"},
	}, TargetFunc(func(c Call) {
		if c.N != 3 { // one that never comes
			c.Done(Outcome{})
		}
		if c.N == 5 {
			close(fifth)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-fifth
	cancel()
	res := r.Wait() // the test's own timeout is the bound: an hour would not end
	if all := res.Total(); !res.Interrupted || all.Intended < 6 || all.Intended > 11 || all.Lost != 1 {
		t.Errorf("interrupted %v, %d calls, %d lost, want true, 6 to 11 which were due, and 1", res.Interrupted, all.Intended, all.Lost)
	}
}

func TestSnapshotsDuringARun(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	r, err := StartOpen(t.Context(), o, TargetFunc(func(c Call) { c.Done(Outcome{}) }))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		s := r.Snapshot()
		var n uint64
		for _, l := range s.Labels {
			n += l.Answered
			if l.Share() > 1 || l.InBudget > l.Answered {
				t.Fatalf("snapshot says %+v", l)
			}
		}
		if n > 100 {
			t.Fatalf("snapshot says %d answers of 100", n)
		}
	}
	r.Wait()
	if s := r.Snapshot(); s.Labels[0].Answered != 50 || s.Labels[1].Answered != 50 || s.Labels[0].Sources[0] != 50 {
		t.Errorf("last snapshot %+v, want 50 answers a label", s.Labels)
	}
}

// The pacing thread's path, dropped starts and immediate answers included, must
// not allocate: garbage collection would show up as latency.
func TestStartsDoNotAllocate(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	r := newOpenLoop(o, TargetFunc(func(c Call) { c.Done(Outcome{}) }))
	n := uint64(0)
	allocs := testing.AllocsPerRun(2*o.Slots(), func() { // more than there are records
		r.begin(n, clock.Now())
		n++
		if n%100 == 0 {
			r.drain()
		}
	})
	if allocs != 0 {
		t.Errorf("begin allocates %v times a call, want 0", allocs)
	}
	if n := r.overrun[0].Load() + r.overrun[1].Load(); n != 0 {
		t.Errorf("%d starts found no record: they are not handed back", n)
	}
}

// TestRecordsComeBack while calls are made, and their outcomes are told meanwhile: a run may
// make many times more calls than there are records.
func TestRecordsComeBack(t *testing.T) {
	o := fakeOptions(t, &fakeClock{})
	o.Pacer, o.Duration, o.MaxCalls = mustPace(t, "1e6"), time.Second, uint64(3*o.Slots())
	started := make(chan *OpenLoop, 1)
	r, err := StartOpen(t.Context(), o, TargetFunc(func(c Call) {
		if c.N%1000 == 999 { // the clock stands still; the recorder must not be left behind
			r := <-started
			for told := uint64(0); told < c.N; time.Sleep(time.Millisecond) {
				s := r.Snapshot()
				told = s.Labels[0].Answered + s.Labels[1].Answered
			}
			started <- r
		}
		c.Done(Outcome{})
	}))
	if err != nil {
		t.Fatal(err)
	}
	started <- r
	if res := r.Wait(); res.Overrun != 0 || res.Total().Answered != o.MaxCalls {
		t.Errorf("%d of %d answered, %d found no record", res.Total().Answered, o.MaxCalls, res.Overrun)
	}
}

// slack is a clock that notes how late the kernel may wake the pacing thread on purpose.
type slack struct {
	fakeClock
	ns atomic.Int64
}

func (s *slack) SleepUntil(t int64) {
	if ns, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err == nil {
		s.ns.Store(int64(ns))
	}
	s.fakeClock.SleepUntil(t)
}

// TestThePacingThreadIsWokenOnTime: not up to 50 µs late, which is the kernel's default.
func TestThePacingThreadIsWokenOnTime(t *testing.T) {
	clock := &slack{}
	o := fakeOptions(t, &clock.fakeClock)
	o.Clock = clock
	runOpen(t, o, func(c Call) { c.Done(Outcome{}) })
	if ns := clock.ns.Load(); ns != 1 {
		t.Errorf("timer slack of the pacing thread is %d ns, want 1", ns)
	}
}

func TestOverrunIsVoid(t *testing.T) {
	clock := &fakeClock{}
	o := fakeOptions(t, clock)
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	r := newOpenLoop(o, TargetFunc(func(c Call) { c.Done(Outcome{}) }))
	clock.advance(r.measured)
	for n := range uint64(o.Slots() + 5) { // nobody drains meanwhile
		r.begin(n, clock.Now())
	}
	r.drain()
	r.conclude()
	if r.result.Overrun != 5 || r.result.Total().Dropped != 5 {
		t.Errorf("overrun %d, dropped %d, want 5 each", r.result.Overrun, r.result.Total().Dropped)
	}
	if v := r.result.Verdict(RequiredShare); v.State != Void || !strings.Contains(v.Reason, "5 starts found no call record") {
		t.Errorf("verdict %v (%s), want void", v.State, v.Reason)
	}
}

func TestBoundsAreTaken(t *testing.T) {
	o := fakeOptions(t, &fakeClock{})
	o.Budget, o.MaxInFlight, o.Interval, o.Duration = MaxBudget, maxInFlight, 10*time.Millisecond, 1
	if err := o.complete(); err != nil {
		t.Error(err)
	}
	o = Options{Workers: maxWorkers, MaxCalls: 1, Duration: 1, Labels: []string{"a"}, Sources: []string{"s"}, Clock: &fakeClock{}}
	r, err := StartClosed(t.Context(), o, func(context.Context, int, uint64, int) Outcome { return Outcome{} })
	if err != nil {
		t.Fatal(err)
	}
	r.Wait()
}

func TestStartRefusesBadOptions(t *testing.T) {
	good := fakeOptions(t, &fakeClock{})
	for name, spoil := range map[string]func(*Options){
		"no pacer":         func(o *Options) { o.Pacer = nil },
		"no duration":      func(o *Options) { o.Duration = 0 },
		"negative warm-up": func(o *Options) { o.Warmup = -1 },
		"long budget":      func(o *Options) { o.Budget = MaxBudget + 1 },
		"in flight":        func(o *Options) { o.MaxInFlight = -1 },
		"many in flight":   func(o *Options) { o.MaxInFlight = maxInFlight + 1 },
		"negative drain":   func(o *Options) { o.Drain = -1 },
		"short interval":   func(o *Options) { o.Interval = 1 },
		"no labels":        func(o *Options) { o.Labels = nil },
		"no sources":       func(o *Options) { o.Sources = nil },
	} {
		o := good
		spoil(&o)
		if _, err := StartOpen(t.Context(), o, TargetFunc(func(Call) {})); err == nil {
			t.Errorf("%s: StartOpen accepted it", name)
		}
	}
}
