package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestClosedLoopCountsEveryCall(t *testing.T) {
	var calls atomic.Uint64
	seen := make([]atomic.Uint32, 1000)
	r, err := StartClosed(t.Context(), Options{
		Workers: 70, Duration: time.Minute, MaxCalls: uint64(len(seen)),
		Labels: []string{"a", "b"}, Sources: []string{"model", "rule"},
	}, func(_ context.Context, worker int, n uint64, label int) Outcome {
		calls.Add(1)
		seen[n].Add(1)
		if worker < 0 || worker >= 70 || label != int(n%2) {
			return Outcome{Err: errors.New("bad arguments")}
		}
		return Outcome{Source: label}
	})
	if err != nil {
		t.Fatal(err)
	}
	res := r.Wait()
	all := res.Total()
	if n := calls.Load(); n != 1000 || all.Intended != n || all.Answered != n || all.Errors != 0 {
		t.Errorf("made %d calls, result says %d intended, %d answered, %d errors", n, all.Intended, all.Answered, all.Errors)
	}
	for n := range seen {
		if seen[n].Load() != 1 {
			t.Fatalf("call %d was made %d times", n, seen[n].Load())
		}
	}
	var inPoints uint64
	for _, p := range res.Points {
		inPoints += p.Answered
	}
	if inPoints != 1000 {
		t.Errorf("timeline has %d answers, want 1000", inPoints)
	}
	r.Snapshot() // may be asked for again and again
	if s := r.Snapshot(); s.Labels[0].Answered != 500 || s.Labels[1].Sources[1] != 500 {
		t.Errorf("snapshot %+v, want 500 answers a label", s.Labels)
	}
	if res.Mode != "closed" || res.Pacing.TotalCount() != 0 {
		t.Errorf("mode %q with %d pacing errors, want closed with none", res.Mode, res.Pacing.TotalCount())
	}
}

// TestClosedLoopsTimeline: what is collected until an interval ends is in it.
func TestClosedLoopsTimeline(t *testing.T) {
	clock := &fakeClock{}
	started := make(chan *ClosedLoop, 1)
	before := time.Now()
	r, err := StartClosed(t.Context(), Options{
		Workers: 1, Warmup: 8 * time.Millisecond, Duration: 100 * time.Millisecond, Interval: 20 * time.Millisecond, Budget: 4 * time.Millisecond,
		Labels: []string{"a"}, Sources: []string{"model", "rule"}, Clock: clock,
	}, func(_ context.Context, _ int, n uint64, _ int) Outcome {
		clock.advance(int64(4 * time.Millisecond))
		r := <-started // collected after each call, as of others by a ticker
		r.collect()
		started <- r
		if n == 20 {
			return Outcome{Err: errors.New("no")}
		}
		return Outcome{Source: int(n % 2)}
	})
	if err != nil {
		t.Fatal(err)
	}
	started <- r
	res := r.Wait()
	var got []string
	for _, p := range res.Points {
		got = append(got, fmt.Sprint(p.At, p.For, p.Answered, p.InBudget, p.Errors, p.Sources, near(p.P50, 4*time.Millisecond)))
	}
	// The call that ends with an interval is collected in the next; none is made at the end.
	want := "[20ms 20ms 4 4 0 [2 2] true 40ms 20ms 5 5 0 [3 2] true 60ms 20ms 5 5 0 [2 3] true 80ms 20ms 4 4 1 [2 2] true 100ms 20ms 5 5 0 [2 3] true 100ms 1ns 1 1 0 [1 0] true]"
	if fmt.Sprint(got) != want || res.WarmupCalls != 2 {
		t.Errorf("%d in the warm-up, points\n%v, want\n%s", res.WarmupCalls, got, want)
	}
	if s := r.Snapshot(); s.Total != 100*time.Millisecond || s.Elapsed != s.Total || s.Warming || s.Last.At != 100*time.Millisecond {
		t.Errorf("%v of %v, warming %v, last %v", s.Elapsed, s.Total, s.Warming, s.Last.At)
	}
	const ago = 100 * time.Millisecond
	if from, to := before.Add(-ago), time.Now().Add(-ago); res.Began.Before(from) || res.Began.After(to) {
		t.Errorf("began %v, want between %v and %v", res.Began, from, to)
	}
}

// TestClosedLoopIsCollectedMeanwhile, for whoever watches.
func TestClosedLoopIsCollectedMeanwhile(t *testing.T) {
	clock := &fakeClock{}
	started := make(chan *ClosedLoop, 1)
	r, err := StartClosed(t.Context(), Options{
		Workers: 1, Duration: time.Second, Interval: 10 * time.Millisecond, MaxCalls: 2, Labels: []string{"a"}, Sources: []string{"s"}, Clock: clock,
	}, func(_ context.Context, _ int, n uint64, _ int) Outcome {
		r := <-started
		for clock.advance(int64(10 * time.Millisecond)); r.Snapshot().Last.At == 0; {
			time.Sleep(time.Millisecond)
		}
		started <- r
		return Outcome{}
	})
	if err != nil {
		t.Fatal(err)
	}
	started <- r
	if n := r.Wait().Total().Answered; n != 2 {
		t.Errorf("%d answered, want 2", n)
	}
}

// TestClosedLoopWaitsForTheLast as long as is said, not only until no more are made.
func TestClosedLoopWaitsForTheLast(t *testing.T) {
	r, err := StartClosed(t.Context(), Options{
		Workers: 1, Duration: time.Millisecond, Drain: time.Minute, MaxCalls: 1, Labels: []string{"a"}, Sources: []string{"s"}, Clock: &fakeClock{},
	}, func(ctx context.Context, _ int, _ uint64, _ int) Outcome {
		select {
		case <-time.After(20 * time.Millisecond):
			return Outcome{}
		case <-ctx.Done():
			return Outcome{Err: ctx.Err()}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if all := r.Wait().Total(); all.Answered != 1 {
		t.Errorf("%d answered, want the one: %v", all.Answered, all.Messages)
	}
}

func TestClosedLoopEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	other := make(chan struct{}) // closed when worker 1 has made its first call
	r, err := StartClosed(ctx, Options{Workers: 2, Duration: time.Hour, Labels: []string{"a"}, Sources: []string{"s"}},
		func(ctx context.Context, worker int, n uint64, _ int) Outcome {
			if n >= 2 {
				if worker == 0 {
					<-other
					cancel()
				} else {
					once.Do(func() { close(other) })
				}
				<-ctx.Done()
				return Outcome{Err: ctx.Err()}
			}
			return Outcome{}
		})
	if err != nil {
		t.Fatal(err)
	}
	res := r.Wait()
	if all := res.Total(); !res.Interrupted || all.Answered != 2 || all.Errors != 0 {
		t.Errorf("interrupted %v, %d answers, %d errors, want true, 2 and none: the run was broken off", res.Interrupted, all.Answered, all.Errors)
	}
}

func TestClosedLoopEndsCallsThatHang(t *testing.T) {
	r, err := StartClosed(t.Context(), Options{
		Workers: 1, Duration: time.Millisecond, Drain: time.Millisecond, MaxCalls: 1,
		Labels: []string{"a"}, Sources: []string{"s"}, Clock: &fakeClock{}, // else it could be over before it began
	},
		func(ctx context.Context, _ int, _ uint64, _ int) Outcome {
			<-ctx.Done()
			return Outcome{Err: ctx.Err()}
		})
	if err != nil {
		t.Fatal(err)
	}
	if all := r.Wait().Total(); all.Errors != 1 || all.Intended != 1 {
		t.Errorf("%d errors of %d calls, want 1 of 1: the call hung", all.Errors, all.Intended)
	}
}

func TestClosedLoopRefusesBadOptions(t *testing.T) {
	for _, o := range []Options{
		{Workers: 0, Duration: 1, Labels: []string{"a"}, Sources: []string{"s"}},
		{Workers: maxWorkers + 1, Duration: 1, Labels: []string{"a"}, Sources: []string{"s"}},
		{Workers: 1, Labels: []string{"a"}, Sources: []string{"s"}},
	} {
		if _, err := StartClosed(t.Context(), o, nil); err == nil {
			t.Errorf("StartClosed(%+v) accepted it", o)
		}
	}
}
