package report

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A run ends in the midst of an interval: the few calls of its last hundredth of a second
// make no rate that towers above all others.
func TestTheRestOfAnIntervalIsJoined(t *testing.T) {
	timeline := func(lengths ...float64) []Interval {
		var out []Interval
		end := 0.0
		for _, l := range lengths {
			end += l
			out = append(out, Interval{End: end, Length: l, Answered: 40, Sources: []uint64{30, 10}, P99: 100 / l})
		}
		return out
	}
	for _, c := range []struct {
		name     string
		timeline []Interval
		want     []Interval
	}{
		{"a rest", timeline(1, 1, 0.01), []Interval{
			{End: 1, Length: 1, Answered: 40, Sources: []uint64{30, 10}, P99: 100},
			{End: 2.01, Length: 1.01, Answered: 80, Sources: []uint64{60, 20}, P99: 10_000},
		}},
		{"most of one", timeline(1, 0.6), timeline(1, 0.6)},
		{"nothing but one", timeline(0.01), timeline(0.01)},
		{"nothing", nil, nil},
	} {
		r := &Report{Timeline: c.timeline}
		before := slices.Clone(c.timeline)
		for i := range before {
			before[i].Sources = slices.Clone(before[i].Sources)
		}
		if diff := cmp.Diff(c.want, r.drawn()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if diff := cmp.Diff(before, r.Timeline); diff != "" {
			t.Errorf("%s: the report itself changed: %s", c.name, diff)
		}
	}
}
