package scenario

import (
	"testing"
	"time"
)

func TestMeterTellsTheLastInterval(t *testing.T) {
	var m meter
	for _, c := range []struct {
		ms   time.Duration
		n    uint64
		want float64
	}{
		{0, 0, 0},
		{500, 100, 200},
		{1000, 300, 300},
		{1500, 900, 300},
		{2000, 1100, 800},
		{3000, 1100, 0},
		{3900, 1100, 0},
		{4000, 1100, 0},
		{6000, 1300, 100},
	} {
		if got := m.read(c.ms*time.Millisecond, c.n); got != c.want {
			t.Errorf("after %d ms and %d events: %v a second, want %v", c.ms, c.n, got, c.want)
		}
	}
}
