package tail

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/mlbridge/mlbridge/bench/internal/compare"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Series is what happened at the points of a schedule: to call or wake-up k, which was
// meant for Start + k·Interval on CLOCK_MONOTONIC, both in ns.
type Series struct {
	Start, Interval int64
	Late            []uint32 // ns from the intended time to the answer, or to being awake
	From            []uint8  // who answered, an index into Sources; empty where nobody could but one
	Why             []uint8  // why nobody better did, an ipc.Reason
}

// parseSeries reads what pace.c writes.
func parseSeries(out []byte) (s Series, err error) {
	head, rest, _ := bytes.Cut(out, []byte("\n"))
	n := 0
	if _, err := fmt.Sscan(string(head), &s.Start, &s.Interval, &n); err != nil {
		return s, fmt.Errorf("tail: %q: %w", head, err)
	}
	if n == 0 || len(rest) != 4*n {
		return s, fmt.Errorf("tail: %d values and %d bytes", n, len(rest))
	}
	s.Late = make([]uint32, n)
	for i := range s.Late {
		s.Late[i] = binary.LittleEndian.Uint32(rest[4*i:])
	}
	return s, nil
}

// Quantiles of what all calls took, µs, those without an answer last, as
// load.QuantilesAmong has them; Max is that of an answer.
type Quantiles struct {
	P50  float64 `json:"p50_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
}

// quantiles sorts all values of several series: they are few enough to be exact.
func quantiles(all []Series) Quantiles {
	v := sorted(all)
	answered, _ := slices.BinarySearch(v, lost)
	return Quantiles{P50: at(v, 0.5), P99: at(v, 0.99), P999: at(v, 0.999), Max: at(v[:answered], 1)}
}

// medians takes the median of every quantile on its own, and the worst of the worst.
func medians(rounds []Quantiles) (m Quantiles) {
	of := func(get func(*Quantiles) float64) float64 {
		v := make([]float64, len(rounds))
		for i := range rounds {
			v[i] = get(&rounds[i])
		}
		return compare.Median(v)
	}
	m.P50 = of(func(q *Quantiles) float64 { return q.P50 })
	m.P99 = of(func(q *Quantiles) float64 { return q.P99 })
	m.P999 = of(func(q *Quantiles) float64 { return q.P999 })
	for i := range rounds {
		m.Max = max(m.Max, rounds[i].Max)
	}
	return m
}

// within is the share of the calls that were answered in a time, in ns. A call without
// an answer is within none, however early it came back.
func (s *Series) within(ns uint32) float64 {
	in := 0
	for k, late := range s.Late {
		if late <= ns && (len(s.From) == 0 || s.From[k] != noAnswer) {
			in++
		}
	}
	return float64(in) / float64(max(len(s.Late), 1))
}

// lost stands for the time of a call without an answer: longer than any.
const lost = 1<<32 - 1

// sorted gives what calls took, those without an answer last, however early it was known
// that they would have none.
func sorted(all []Series) []uint32 {
	var v []uint32
	for i := range all {
		v = append(v, all[i].Late...)
		for k, from := range all[i].From {
			if from == noAnswer {
				v[len(v)-len(all[i].Late)+k] = lost
			}
		}
	}
	slices.Sort(v)
	return v
}

// at is the value, in µs, that a share q of sorted values does not exceed; that of
// load.Unanswered for a call without an answer.
func at(sorted []uint32, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := int(q*float64(len(sorted))+0.999999) - 1
	v := sorted[min(max(i, 0), len(sorted)-1)]
	if v == lost {
		return float64(load.Unanswered) / 1e3
	}
	return float64(v) / 1e3
}

// accompanied is the share of the slowest calls, those from the 99.9th percentile on,
// during which one of the sleepers came at least half as late as the call: what held the
// call up then held up a thread that had nothing to do with it. The sleepers must have
// been measured at the same time as the calls, core by core.
func accompanied(calls *Series, sleepers []Series) (share float64, slow int) {
	limit := uint32(at(sorted([]Series{{Late: calls.Late}}), 0.999) * 1e3)
	with := 0
	for k, late := range calls.Late {
		if late < limit {
			continue
		}
		slow++
		from := calls.Start + int64(k)*calls.Interval
		for i := range sleepers {
			if sleepers[i].lateIn(from, from+int64(late), int64(late)/2) {
				with++
				break
			}
		}
	}
	return float64(with) / float64(max(slow, 1)), slow
}

// lateIn reports whether a wake-up that came at least least late was overdue at some
// moment between from and to.
func (s *Series) lateIn(from, to, least int64) bool {
	last := min((to-s.Start)/s.Interval, int64(len(s.Late))-1)
	// A wake-up can have been due long before the call: the longest lateness bounds it.
	longest := int64(0)
	if len(s.Late) > 0 {
		longest = int64(slices.Max(s.Late))
	}
	for k := max((from-longest-s.Start)/s.Interval, 0); k <= last; k++ {
		due, late := s.Start+k*s.Interval, int64(s.Late[k])
		if late >= least && due <= to && due+late >= from {
			return true
		}
	}
	return false
}

// spell is the longest time, in ms, during which no call was answered by one of the
// wanted sources.
func spell(all []Series, wanted func(from uint8) bool) float64 {
	var longest int64
	for i := range all {
		var run int64
		for _, from := range all[i].From {
			if wanted(from) {
				run = 0
				continue
			}
			run += all[i].Interval
			longest = max(longest, run)
		}
	}
	return float64(longest) / 1e6
}
