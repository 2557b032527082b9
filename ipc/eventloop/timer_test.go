package eventloop

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// fakeLoop is a loop whose clock stands at *now.
func fakeLoop(t *testing.T) (l *Loop, now *int64) {
	t.Helper()
	now = new(int64)
	l, err := New(func() int64 { return *now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l, now
}

func TestTimersFireInOrder(t *testing.T) {
	l, now := fakeLoop(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var want, got []int64
	timers := make([]Timer, 500)
	for i := range timers {
		at := rng.Int64N(1000)
		timers[i].Fire = func() { got = append(got, at) }
		l.Arm(&timers[i], rng.Int64N(1000)) // replaced by the next line
		l.Arm(&timers[i], at)
		if i%5 == 0 {
			l.Disarm(&timers[i])
			l.Disarm(&timers[i]) // twice does no harm
			continue
		}
		want = append(want, at)
	}
	slices.Sort(want)
	for *now = 0; *now < 1007; *now += 7 {
		round(t, l)
		if n := len(got); n > 0 && got[n-1] > *now {
			t.Fatalf("at %d a timer for %d has fired", *now, got[n-1])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("fired at %v\nwant %v", got, want)
	}
	for i := range timers {
		if timers[i].Armed() {
			t.Errorf("timer %d is still armed", i)
		}
	}
}

func TestTimersChangeOthersInsideCallbacks(t *testing.T) {
	l, now := fakeLoop(t)
	var log []string
	var first, second, third, fourth Timer
	first.Fire = func() {
		log = append(log, "first")
		if first.Armed() {
			t.Error("a timer is armed while it fires")
		}
		l.Disarm(&second)     // was due in the same round
		l.Arm(&third, *now+5) // was due in the same round
		l.Arm(&first, *now+1)
	}
	second.Fire = func() { log = append(log, "second") }
	third.Fire = func() { log = append(log, "third") }
	fourth.Fire = func() { log = append(log, "fourth") }
	l.Arm(&first, 10)
	l.Arm(&second, 11)
	l.Arm(&third, 12)
	l.Arm(&fourth, 13)

	*now = 20
	round(t, l)
	if want := []string{"first", "fourth"}; !slices.Equal(log, want) {
		t.Fatalf("first round: %v, want %v", log, want)
	}
	*now = 25
	log = nil
	l.Disarm(&first)
	round(t, l)
	if want := []string{"third"}; !slices.Equal(log, want) {
		t.Errorf("later: %v, want %v", log, want)
	}
}

// A timer that keeps setting itself into the past fires once a round, and the
// others have their turn. (It used to fire in their place for ever.)
func TestTimerArmedInThePastStarvesNobody(t *testing.T) {
	l, now := fakeLoop(t)
	greedy, other := 0, 0
	var g, o Timer
	g.Fire = func() { greedy++; l.Arm(&g, 0) }
	o.Fire = func() { other++ }
	l.Arm(&g, 1)
	l.Arm(&o, 2)
	*now = 10
	round(t, l)
	if greedy != 1 || other != 1 {
		t.Fatalf("one round fired %d and %d times, want 1 and 1", greedy, other)
	}
	*now++
	round(t, l)
	if greedy != 2 {
		t.Errorf("after another round: %d, want 2", greedy)
	}
	if at, armed := l.timers.next(); !armed || at > *now+1 {
		t.Errorf("the loop would wait until %d for a timer that is due at %d", at, *now)
	}
}

func TestTimerFarAwayDoesNotWrapAround(t *testing.T) {
	l, now := fakeLoop(t)
	*now = time.Hour.Nanoseconds()
	fired := false
	timer := Timer{Fire: func() { fired = true }}
	l.ArmIn(&timer, math.MaxInt64)
	round(t, l)
	if fired || !timer.Armed() {
		t.Error("a timer for the end of time fired at once")
	}
	l.ArmIn(&timer, -time.Second)
	round(t, l)
	if !fired {
		t.Error("a timer for a time that has passed did not fire")
	}
}

// On the real clock: never early, and in the order of the times.
func TestTimersNeverFireEarly(t *testing.T) {
	l := running(t)
	const n = 50
	early := make(chan time.Duration, n)
	timers := make([]Timer, n)
	onLoop(t, l, func() {
		for i := range timers {
			at := clock() + int64(i)*100_000
			timers[i].Fire = func() { early <- time.Duration(at - clock()) }
			l.Arm(&timers[i], at)
		}
	})
	for range n {
		if d := wait(t, early, "a timer"); d > 0 {
			t.Errorf("fired %v early", d)
		}
	}
}
