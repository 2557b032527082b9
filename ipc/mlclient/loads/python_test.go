package loads

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// course is a signal's course: readings, or nil for an interval without one. Readings are
// float32 or uint64.
type course struct {
	name     string
	readings []any
}

// courses are series on which two readings of PROTOCOL.md, section 16, would part.
func courses() (all []course) {
	r := rand.New(rand.NewPCG(7, 8))
	draw := func(name string, n int, gaps float64, next func(i int) any) {
		c := course{name: name}
		for i := range n {
			if r.Float64() < gaps {
				c.readings = append(c.readings, nil)
			}
			c.readings = append(c.readings, next(i))
		}
		all = append(all, c)
	}
	hundredths := func(int) any { return float32(r.IntN(101)) / 100 } // hardly a distance without its equal
	wide := func(int) any { return float32(math.Ldexp(r.Float64(), -r.IntN(60))) }
	for n := range 16 {
		draw(fmt.Sprintf("%d readings", n), n, 0, wide)
	}
	draw("long", Memory+spare+40, 0.003, func(i int) any {
		if i%300 < 200 {
			return hundredths(i)
		}
		return wide(i)
	})
	for i := range 4 {
		gaps := float64(i%2) / 20
		draw("hundredths", 60, gaps, hundredths)
		draw("of all sizes", 60, gaps, wide)
		some := [...]any{wide(0), wide(0), wide(0), r.Float32(), r.Float32()} // whose sums depend on their order
		draw("few of all sizes", 150, gaps, func(int) any { return some[r.IntN(len(some))] })
		plateau := float32(r.Float64())
		draw("plateaus", 120, gaps, func(int) any {
			if r.IntN(9) == 0 {
				plateau = r.Float32()
			}
			return plateau
		})
		draw("of all sizes, after 1", 60, gaps, func(i int) any {
			if i == 0 {
				return float32(1)
			}
			return wide(i)
		})
		draw("constant", 40, gaps, func(int) any { return plateau })
		draw("zero", 20, gaps, func(int) any { return float32(0) })
		draw("on and off", 60, gaps, func(i int) any { return float32(i / 7 % 2) })
		for _, base := range []uint64{0, 1 << 30, 1<<53 - 9, 1<<63 - 9, 1<<64 - 100} {
			draw(fmt.Sprintf("bytes from %d on", base), 60, gaps, func(int) any { return base + r.Uint64N(20) })
			draw(fmt.Sprintf("pages around %d", base), 60, gaps, func(int) any { return base + uint64(r.IntN(9)-4)<<12 }) // around 0, too
		}
		extremes := [...]uint64{0, 1, 1<<53 + 1, 1<<63 - 1, 1 << 63, math.MaxUint64}
		draw("bytes of all sizes", 60, gaps, func(int) any { return extremes[r.IntN(len(extremes))] >> r.IntN(3) })
	}
	return all
}

// A second implementation, from the specification alone, says the same after each reading.
func TestPythonSaysTheSame(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here; TestPastIsWhatItIsDefinedAs computes the definition")
	}
	all := courses()
	var in bytes.Buffer
	for _, c := range all {
		line, err := json.Marshal(exact(c.readings))
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), python, "../../../testdata/client/mlbridge_loads.py")
	cmd.Stdin = &in
	cmd.Stderr = new(strings.Builder)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, cmd.Stderr)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	for _, c := range all {
		var want [][]float64
		if err := answers.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if len(want) != len(c.readings) {
			t.Fatalf("%s: %d answers to %d intervals", c.name, len(want), len(c.readings))
		}
		var s Series
		far := span(c.readings)
		for i, v := range c.readings {
			follow(&s, v)
			if at := differ(s.AppendPast(nil), want[i], far); at >= 0 {
				t.Errorf("%s: after %d intervals, … %v: number %d of\n%v, in Python\n%v",
					c.name, i+1, c.readings[max(0, i-11):i+1], at, s.AppendPast(nil), want[i])
				break
			}
		}
	}
}

func follow(s *Series, reading any) {
	switch v := reading.(type) {
	case float32:
		s.AddShare(v)
	case uint64:
		s.AddBytes(v)
	default:
		s.Break()
	}
}

// exact says what the readings are of, and has float32s as float64s: JSON writes the
// shortest digits that are the same again.
func exact(readings []any) [2]any {
	measure, out := "shares", make([]any, len(readings))
	for i, v := range readings {
		out[i] = v
		switch v := v.(type) {
		case float32:
			out[i] = float64(v)
		case uint64:
			measure = "bytes"
		}
	}
	return [2]any{measure, out}
}

// span is the largest distance between readings of bytes; shares are at most 1 apart.
func span(readings []any) float64 {
	least, most := uint64(math.MaxUint64), uint64(0)
	for _, v := range readings {
		if v, ok := v.(uint64); ok {
			least, most = min(least, v), max(most, v)
		}
	}
	return max(1, float64(most-min(least, most)))
}

// differ returns which number differs by more than rounding, or -1. Sums of double
// precision are off by about 1e-16 of what went into them, which is at most span.
func differ(got []float32, want []float64, span float64) int {
	if len(got) != len(want) {
		return min(len(got), len(want))
	}
	for i, w := range want {
		slack := 1e-12 * span
		switch i {
		case 3, 4, 5, 24, 25, 26, 27: // without a measure
			slack = 1e-9
		}
		if math.Abs(float64(got[i])-w) > slack+1e-5*math.Abs(w) {
			return i
		}
	}
	return -1
}
