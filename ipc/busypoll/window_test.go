package busypoll

import (
	"testing"
	"time"
)

// player drives a window with a clock of its own.
type player struct {
	w   Window
	now time.Duration
}

// wait plays one wait in which something comes after d, and looks are step apart. It
// gives how long was polled, and whether something was found by it.
func (p *player) wait(d, step time.Duration) (polled time.Duration, found bool) {
	from := p.now
	more := p.w.Start(int64(p.now))
	for more {
		if p.now-from >= d {
			p.w.End(int64(p.now))
			return p.now - from, true
		}
		p.now += step
		more = p.w.Again(int64(p.now))
	}
	polled = p.now - from
	p.now = max(p.now, from+d)
	p.w.End(int64(p.now))
	return polled, false
}

const most = 100 * time.Microsecond

// open gives a player whose window is as long as it gets.
func open(t *testing.T) *player {
	t.Helper()
	p := &player{w: New(most), now: time.Hour}
	for range 10 {
		p.wait(90*time.Microsecond, time.Microsecond)
	}
	if _, found := p.wait(90*time.Microsecond, time.Microsecond); !found {
		t.Fatal("a window does not open although all waits are short")
	}
	return p
}

func TestWindowGrowsWithShortWaits(t *testing.T) {
	p := &player{w: New(most), now: time.Hour}
	for i, want := range []time.Duration{0, 10, 20, 40, 80} {
		if polled, found := p.wait(90*time.Microsecond, time.Microsecond); found || polled != want*time.Microsecond {
			t.Errorf("wait %d: polled %v, found %v; want %v µs and nothing", i, polled, found, int64(want))
		}
	}
	if polled, found := p.wait(90*time.Microsecond, time.Microsecond); !found || polled != 90*time.Microsecond {
		t.Errorf("then: polled %v, found %v; want 90µs", polled, found)
	}
}

func TestLongWaitClosesTheWindow(t *testing.T) {
	p := open(t)
	if polled, found := p.wait(time.Second, time.Microsecond); found || polled != most {
		t.Errorf("a long wait: polled %v, found %v; want %v", polled, found, most)
	}
	for i := range 100 {
		if polled, _ := p.wait(most+time.Microsecond, time.Microsecond); polled != 0 {
			t.Fatalf("long wait %d after that: polled %v, want 0", i, polled)
		}
	}
	p.wait(most, time.Microsecond)
	if polled, _ := p.wait(most, time.Microsecond); polled != time.Duration(firstWindow) {
		t.Errorf("after a short one: polled %v, want %v", polled, time.Duration(firstWindow))
	}
}

// TestLostProcessor plays one who gets the processor back late: in a look that found
// nothing, and in one that found something.
func TestLostProcessor(t *testing.T) {
	for name, comes := range map[string]time.Duration{"nothing": time.Duration(lostAfter) + 1, "something": 50 * time.Microsecond} {
		p := open(t)
		before := p.now
		p.wait(comes, time.Duration(lostAfter))
		lost := p.now
		if !p.w.Barred(int64(lost)) || p.w.Barred(int64(lost)+shortestBar) {
			t.Errorf("%s: barred %v when the processor was lost, and %v %v later", name, p.w.Barred(int64(lost)), p.w.Barred(int64(lost)+shortestBar), time.Duration(shortestBar))
		}
		for p.now-lost < time.Duration(shortestBar)-time.Millisecond {
			if polled, _ := p.wait(20*time.Microsecond, time.Microsecond); polled != 0 {
				t.Fatalf("%s: polled %v, %v after the processor was lost", name, polled, p.now-before)
			}
		}
		for p.now-lost < 2*time.Duration(shortestBar) {
			p.wait(20*time.Microsecond, time.Microsecond)
		}
		if _, found := p.wait(20*time.Microsecond, time.Microsecond); !found {
			t.Errorf("%s: never polls again", name)
		}
	}
}

// barredFor loses the processor and gives how long no window opens then.
func (p *player) barredFor(t *testing.T) time.Duration {
	t.Helper()
	p.wait(50*time.Microsecond, time.Duration(lostAfter))
	lost := p.now
	for p.now-lost < time.Minute {
		if _, found := p.wait(90*time.Microsecond, time.Microsecond); found {
			return p.now - lost
		}
	}
	t.Fatal("barred for more than a minute")
	return 0
}

func TestLosingItAgainSoonBarsForLonger(t *testing.T) {
	p := open(t)
	at := time.Duration(shortestBar)
	for range 20 {
		if d := p.barredFor(t); d < at || d > at+time.Millisecond {
			t.Fatalf("barred for %v, want %v", d, at)
		}
		at = min(4*at, time.Duration(longestBar))
	}
	for looks := 0; looks < keptEnough; looks += 90 {
		p.wait(90*time.Microsecond, time.Microsecond)
	}
	if d := p.barredFor(t); d > time.Duration(shortestBar)+time.Millisecond {
		t.Errorf("barred for %v after enough looks without trouble, want %v", d, time.Duration(shortestBar))
	}
}

// TestEndOfNoWait: work between waits is not time away from the processor.
func TestEndOfNoWait(t *testing.T) {
	p := open(t)
	for range 3 {
		p.now += time.Second
		p.w.End(int64(p.now))
	}
	if _, found := p.wait(90*time.Microsecond, time.Microsecond); !found {
		t.Error("the window closed though nobody waited")
	}
}

func TestClosedForGood(t *testing.T) {
	for _, d := range []time.Duration{0, -1} {
		p := &player{w: New(d), now: time.Hour}
		for range 10 {
			if polled, _ := p.wait(time.Nanosecond, 1); polled != 0 {
				t.Errorf("New(%v) polled %v", d, polled)
			}
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	p := open(t)
	if n := testing.AllocsPerRun(100, func() { p.wait(time.Microsecond, 100) }); n != 0 {
		t.Errorf("%v allocations a wait, want 0", n)
	}
}
