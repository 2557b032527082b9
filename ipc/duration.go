package ipc

import "math"

// nanosPerMilli is the factor between the daemon's milliseconds and the
// kernel's nanoseconds.
const nanosPerMilli = 1_000_000

// MaxMillis is the largest number of milliseconds that is still a u64 of
// nanoseconds: floor((2^64-1) / 10^6), about 584 years.
const MaxMillis uint64 = math.MaxUint64 / nanosPerMilli

// MillisToNanos converts milliseconds to nanoseconds, exactly. Above MaxMillis it
// returns a *StatusError (invalid argument) and 0: a time that does not fit is an
// error, never a wrapped or clamped one.
//
// Never is not a duration and must be looked at before calling.
func MillisToNanos(ms uint64) (uint64, error) {
	if ms > MaxMillis {
		return 0, invalidf("%d ms does not fit in 64 bits of nanoseconds, at most %d ms", ms, MaxMillis)
	}
	return ms * nanosPerMilli, nil
}

// NanosToMillis converts nanoseconds to milliseconds and rounds down. It is also
// the rule for a remaining budget, which must never grow on its way: 1.9 ms left
// are told as 1 ms, 0.9 ms as 0.
func NanosToMillis(ns uint64) uint64 { return ns / nanosPerMilli }
