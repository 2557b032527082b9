package load

import (
	"math"
	"testing"
	"time"
)

func mustPace(t testing.TB, spec string) Pacer {
	t.Helper()
	p, err := ParsePacer(spec, 1)
	if err != nil {
		t.Fatalf("ParsePacer(%q): %v", spec, err)
	}
	return p
}

func TestPacerOffsets(t *testing.T) {
	for _, c := range []struct {
		spec string
		n    uint64
		want time.Duration
	}{
		{"1000", 0, 0},
		{"1000", 1, time.Millisecond},
		{"constant:1000", 3600 * 1000, time.Hour}, // no drift
		{"0.5", 3, 6 * time.Second},
		{"1e-9", 1 << 62, forever}, // saturates
		{"steps:10x1s,20x1s", 9, 900 * time.Millisecond},
		{"steps:10x1s,20x1s", 10, time.Second},
		{"steps:10x1s,20x1s", 12, 1100 * time.Millisecond},
		{"steps:10x1s,20x1s", 50, 3 * time.Second}, // the last step goes on
		{"steps:10x1s,0x5s,10x1s", 10, 6 * time.Second},
		{"steps:10x1s,0x5s", 10, forever},
		{"steps:0x2s,10x1s", 0, 2 * time.Second},
		{"ramp:0-100x10s", 0, 0},
		{"ramp:0-100x10s", 5, time.Second}, // 100·t²/20
		{"ramp:0-100x10s", 500, 10 * time.Second},
		{"ramp:0-100x10s", 600, 11 * time.Second},
		{"ramp:100-100x10s", 50, 500 * time.Millisecond},
		{"ramp:100-20x10s", 600, 10 * time.Second},
	} {
		got := mustPace(t, c.spec).At(c.n)
		if diff := got - c.want; diff < -time.Microsecond || diff > time.Microsecond {
			t.Errorf("%s At(%d) = %v, want %v", c.spec, c.n, got, c.want)
		}
	}
}

func TestPacersNeverGoBack(t *testing.T) {
	for _, spec := range []string{"3333", "poisson:3333", "steps:3x1s,0x1s,7x2s", "ramp:1-5000x2s", "ramp:5000-1x2s"} {
		p := mustPace(t, spec)
		last := time.Duration(-1)
		for n := range uint64(20000) {
			at := p.At(n)
			if at < last {
				t.Fatalf("%s At(%d) = %v, before At(%d) = %v", spec, n, at, n-1, last)
			}
			last = at
		}
	}
}

func TestPoissonMeanAndSpread(t *testing.T) {
	p := mustPace(t, "poisson:1000")
	const n = 50000
	var sum, squares float64
	before := p.At(0)
	for i := range uint64(n) {
		at := p.At(i + 1)
		gap := (at - before).Seconds()
		before = at
		sum += gap
		squares += gap * gap
	}
	mean := sum / n
	sd := math.Sqrt(squares/n - mean*mean)
	// Exponential gaps have a standard deviation equal to their mean; the bounds
	// are more than ten standard errors wide.
	if math.Abs(mean*1000-1) > 0.05 || math.Abs(sd/mean-1) > 0.05 {
		t.Errorf("gaps: mean %g s, deviation %g s, want both near 0.001", mean, sd)
	}
}

func TestPoissonIsRepeatable(t *testing.T) {
	a, b := mustPace(t, "poisson:100"), mustPace(t, "poisson:100")
	third := a.At(3)
	a.At(10)
	if got := a.At(3); got != third {
		t.Errorf("At(3) = %v after going back, was %v", got, third)
	}
	if got := b.At(3); got != third {
		t.Errorf("At(3) = %v with the same seed, want %v", got, third)
	}
	other, err := Poisson(100, 2)
	if err != nil {
		t.Fatal(err)
	}
	if other.At(3) == third {
		t.Errorf("another seed gives the same schedule")
	}
}

func TestParsePacerRefuses(t *testing.T) {
	for _, spec := range []string{
		"", "fast", "0", "-1", "NaN", "Inf", "1e12", "poisson:", "poisson:0",
		"steps:", "steps:10", "steps:10x", "steps:10x0s", "steps:10x-1s", "steps:0x1s", "steps:10x1s,",
		"ramp:1x1s", "ramp:1-0x1s", "ramp:1-2x0s", "ramp:a-2x1s", "ramp:1-bx1s", "ramp:1-2", "walk:3",
	} {
		if p, err := ParsePacer(spec, 1); err == nil {
			t.Errorf("ParsePacer(%q) = %v, want an error", spec, p)
		}
	}
}

func TestPacerNames(t *testing.T) {
	for spec, want := range map[string]string{
		"2000":              "constant 2000/s",
		"poisson:10":        "poisson 10/s seed 1",
		"steps:10x1s,20x2s": "steps 10/s for 1s, 20/s for 2s",
		"ramp:1-20x2s":      "ramp 1/s to 20/s over 2s",
	} {
		if got := mustPace(t, spec).String(); got != want {
			t.Errorf("%s is named %q, want %q", spec, got, want)
		}
	}
}
