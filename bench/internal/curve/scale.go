package curve

import (
	"fmt"
	"math"
	"slices"
)

// span is an axis that knows its ends and where they are drawn.
type span struct {
	log      bool
	low, top float64   // of the values; of their logarithms when log
	from, to float64   // in pixels
	at       []float64 // ticks, where they are not round numbers
}

// spanOf fits an axis to values, from 0 to a round number when it is linear. A
// logarithmic one has whole decades, or when it is tight only what there is, with the
// values themselves as ticks.
func spanOf(log, tight bool, values []float64, from, to float64) span {
	s := span{log: log, from: from, to: to}
	sorted := slices.Compact(slices.Sorted(slices.Values(values)))
	top := sorted[len(sorted)-1]
	if !log {
		if top <= 0 {
			top = 1
		}
		step := stepOf(top)
		s.top = step * math.Ceil(top/step-1e-9)
		return s
	}
	if tight && len(sorted) > 1 {
		s.low, s.top, s.at = math.Log10(sorted[0]), math.Log10(top), sorted
		return s
	}
	s.low, s.top = math.Floor(math.Log10(sorted[0])), math.Ceil(math.Log10(top))
	if s.top <= s.low {
		s.top = s.low + 1
	}
	return s
}

// stepOf gives a round distance of ticks: 1, 2 or 5 times a power of ten, so that there
// are four to ten up to top.
func stepOf(top float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(top)))
	switch n := top / power; {
	case n <= 1:
		return power / 5
	case n <= 2:
		return power / 2
	case n <= 5:
		return power
	}
	return 2 * power
}

// place is the pixel of a value.
func (s span) place(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return s.from + (s.to-s.from)*(v-s.low)/(s.top-s.low)
}

// ticks are the values that are labelled.
func (s span) ticks() (list []float64) {
	if s.at != nil {
		return s.at
	}
	if !s.log {
		step := stepOf(s.top)
		for n := 0; float64(n)*step <= s.top*(1+1e-9); n++ {
			list = append(list, float64(n)*step)
		}
		return list
	}
	// At most seven labels: of more decades every second or third.
	every := math.Ceil((s.top - s.low) / 7)
	for d := s.low; d <= s.top; d += every {
		list = append(list, math.Pow(10, d))
	}
	return list
}

// label writes a tick's value in as few characters as it takes.
func label(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", round(v/1e6))
	case v >= 1e3:
		return fmt.Sprintf("%gk", round(v/1e3))
	}
	return fmt.Sprintf("%g", round(v))
}

// round takes off what floating-point steps add.
func round(v float64) float64 { return math.Round(v*1e6) / 1e6 }
