package chaos

import (
	"fmt"
	"slices"
)

// Trend compares the median of the second quarter of the samples with that of the last.
// The first quarter is left out: caches and pools fill then.
type Trend struct {
	Process string  `json:"process"`
	What    string  `json:"what"`
	Early   float64 `json:"early"`
	Late    float64 `json:"late"`
	Most    float64 `json:"most"`    // in any sample
	Allowed float64 `json:"allowed"` // Late may be so much
	Flat    bool    `json:"flat"`
}

// What may grow, from the second quarter to the last: memory by a twentieth and 2 MB,
// which is what a collection sooner or later makes; goroutines and descriptors by two,
// which is what a page read at that moment makes.
const (
	memoryShare, memoryMB = 1.05, 2
	countsMore            = 2
)

func (s *Soak) judge() {
	quarter := len(s.Samples) / 4
	if quarter == 0 {
		s.Failed = append(s.Failed, "too few samples to judge")
		return
	}
	s.Flat = true
	for _, p := range []struct {
		name string
		of   func(*Sample) *Held
	}{{"ml-bridge", func(x *Sample) *Held { return &x.Bridge }}, {"mld", func(x *Sample) *Held { return &x.Mld }}} {
		for _, v := range []struct {
			what    string
			of      func(*Held) float64
			allowed func(early float64) float64
		}{
			{"resident MB", func(h *Held) float64 { return h.RSS }, func(e float64) float64 { return e*memoryShare + memoryMB }},
			{"heap MB", func(h *Held) float64 { return h.Heap }, func(e float64) float64 { return e*memoryShare + memoryMB }},
			{"goroutines", func(h *Held) float64 { return h.Goroutines }, func(e float64) float64 { return e + countsMore }},
			{"descriptors", func(h *Held) float64 { return h.Descriptors }, func(e float64) float64 { return e + countsMore }},
		} {
			var values []float64
			for i := range s.Samples {
				values = append(values, v.of(p.of(&s.Samples[i])))
			}
			t := Trend{Process: p.name, What: v.what, Early: median(values[quarter : 2*quarter]), Late: median(values[len(values)-quarter:]), Most: slices.Max(values)}
			t.Allowed = v.allowed(t.Early)
			t.Flat = t.Late <= t.Allowed
			if !t.Flat {
				s.Flat = false
				s.Failed = append(s.Failed, fmt.Sprintf("%s of %s grew from %.1f to %.1f", v.what, p.name, t.Early, t.Late))
			}
			s.Trends = append(s.Trends, t)
		}
	}
	if s.Wrong > 0 || s.Lost > 0 {
		s.Failed = append(s.Failed, fmt.Sprintf("%d answers were wrong, %d calls were lost", s.Wrong, s.Lost))
	}
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
