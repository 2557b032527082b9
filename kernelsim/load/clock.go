package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock is the time that a run lives in. Tests own one; everybody else uses
// [NewMonotonic].
type Clock interface {
	// Now is the monotonic time in nanoseconds. Only differences mean something.
	Now() int64
	// SleepUntil returns at t or as soon after it as the clock can. It returns at
	// once when t has passed.
	SleepUntil(t int64)
}

// DefaultSpin is how long before the intended start [Monotonic] stops sleeping
// and spins. Measured on a busy virtual machine of two cores, 500 to 10,000 starts
// a second: without spinning, half of the starts were 39 to 48 µs late and a tenth
// 54 to 97 µs; so this is about what a wake-up takes there. At a thousand starts a
// second it costs 8 % of a core, and never more than an eighth: from 1,560 starts a second on
// it spins less before each.
const DefaultSpin = 80 * time.Microsecond

// Monotonic is the machine's CLOCK_MONOTONIC.
type Monotonic struct {
	base   time.Time // what time.Since counts from (vDSO, no system call)
	offset int64     // CLOCK_MONOTONIC at base, ns
	spin   spinAllowance
}

// NewMonotonic returns the machine's monotonic clock. spin is how long before
// the time asked for SleepUntil stops sleeping and starts to spin; 0 means
// [DefaultSpin], negative never spins.
func NewMonotonic(spin time.Duration) *Monotonic {
	if spin == 0 {
		spin = DefaultSpin
	}
	m := &Monotonic{base: time.Now(), spin: spinAllowance{most: max(int64(spin), 0)}}

	// clock_nanosleep wants CLOCK_MONOTONIC, time.Since counts from its own start
	// and needs no system call. The tightest of a few bracketed readings ties the
	// two together to well under a microsecond.
	tightest := int64(1) << 62
	for range 16 {
		var ts unix.Timespec
		before := int64(time.Since(m.base))
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			continue // cannot fail on Linux; the offset then only shortens sleeps
		}
		after := int64(time.Since(m.base))
		if after-before < tightest {
			tightest = after - before
			m.offset = ts.Nano() - (before+after)/2
		}
	}
	return m
}

// Now reads CLOCK_MONOTONIC.
func (m *Monotonic) Now() int64 { return m.offset + int64(time.Since(m.base)) }

// SleepUntil sleeps in clock_nanosleep and spins the rest, as far as it may. It is for one
// goroutine at a time, that is locked to its thread; it holds no processor while it sleeps.
func (m *Monotonic) SleepUntil(t int64) {
	for {
		now := m.Now()
		if now >= t {
			return
		}
		spin := m.spin.at(now)
		if t-now <= spin {
			for now < t {
				now = m.Now()
			}
			m.spin.spent(now)
			return
		}
		ts := unix.NsecToTimespec(t - spin)
		// EINTR (the runtime's preemption signals) just goes round once more.
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil)
	}
}

// tightenTimerSlack lets the kernel fire the calling thread's timers when they
// are due instead of up to 50 µs later (the default slack, prctl(2)). The caller must be
// locked to its thread, which should end with it.
func tightenTimerSlack() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // not fatal: the pacing error will tell
}
