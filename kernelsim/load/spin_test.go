package load

import (
	"testing"
	"time"
)

// TestSpinsAnEighthAtMost: a thread that is woken for every start and spins as long as it
// may before each does so for the whole 80 µs where starts are rare, and for an eighth of
// the time where they are not.
func TestSpinsAnEighthAtMost(t *testing.T) {
	const most = int64(DefaultSpin)
	for _, c := range []struct {
		rate int64 // starts a second
		each int64 // spun before each, ns
	}{
		{100, most},
		{1000, most},
		{1562, most}, // 640 µs apart, eight times as long
		{2000, 500_000 / spinShare},
		{25_000, 40_000 / spinShare},
		{1_000_000, 1000 / spinShare},
	} {
		gap := int64(time.Second) / c.rate
		s := spinAllowance{most: most}
		spun, last := int64(0), int64(0)
		for at := gap; at <= int64(time.Second); at += gap {
			last = s.at(at)
			s.spent(at + min(last, gap))
			spun += last
		}
		if last < c.each*9/10 || last > min(c.each*10/9, most) {
			t.Errorf("%d a second: %d ns before the last start, want about %d", c.rate, last, c.each)
		}
		if spun > int64(time.Second)/spinShare+most {
			t.Errorf("%d a second: spun %v of a second", c.rate, time.Duration(spun))
		}
	}
}

// TestSpinsNot: without a spin there is no credit, whatever passes, and a thread that slept
// for long has no more than one spin's.
func TestSpinsNot(t *testing.T) {
	none, some := spinAllowance{}, spinAllowance{most: 100}
	for _, now := range []int64{1, int64(time.Hour), int64(2 * time.Hour)} {
		if got := none.at(now); got != 0 {
			t.Errorf("%d ns at %d", got, now)
		}
		if got := some.at(now + int64(time.Hour)); got != 100 {
			t.Errorf("%d ns after an hour, want 100", got)
		}
		some.spent(now + int64(time.Hour) + 1000) // longer than it might: a hiccup
		if some.credit != 0 {
			t.Errorf("%d ns left", some.credit)
		}
	}
}
