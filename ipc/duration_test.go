package ipc

import (
	"errors"
	"math"
	"testing"
)

func TestMillisToNanos(t *testing.T) {
	for _, c := range []struct{ ms, ns uint64 }{
		{0, 0},
		{1, 1_000_000},
		{60_000, 60_000_000_000},
		{1<<44 + 1, (1<<44 + 1) * 1_000_000}, // past 2^53 ns: a double would lose the last digits
		{18_446_744_073_709, 18_446_744_073_709_000_000},
	} {
		got, err := MillisToNanos(c.ms)
		if err != nil || got != c.ns {
			t.Errorf("MillisToNanos(%d) = %d, %v, want %d", c.ms, got, err, c.ns)
		}
		if back := NanosToMillis(got); back != c.ms {
			t.Errorf("NanosToMillis(%d) = %d, want %d", got, back, c.ms)
		}
	}
	for _, ms := range []uint64{MaxMillis + 1, 1 << 63, Never} {
		got, err := MillisToNanos(ms)
		if !errors.Is(err, &StatusError{Status: StatusInvalidArgument}) || got != 0 {
			t.Errorf("MillisToNanos(%d) = %d, %v, want an invalid-argument error", ms, got, err)
		}
	}
}

func TestNanosToMillisRoundsDown(t *testing.T) {
	for _, c := range []struct{ ns, ms uint64 }{
		{0, 0},
		{1, 0},
		{999_999, 0},
		{1_000_000, 1},
		{1_999_999, 1},
		{2_000_000, 2},
		{math.MaxUint64, MaxMillis},
	} {
		if got := NanosToMillis(c.ns); got != c.ms {
			t.Errorf("NanosToMillis(%d) = %d, want %d", c.ns, got, c.ms)
		}
	}
}
