package hiccup

import (
	"slices"
	"time"
)

// Log is what sleepers met. Times are of CLOCK_MONOTONIC, in ns: those of one boot can
// be compared, whichever process took them.
type Log struct {
	From     int64         `json:"from"` // all sleepers slept since
	To       int64         `json:"to"`   // and until
	Every    time.Duration `json:"every_ns"`
	Allowed  time.Duration `json:"allowed_ns"`
	First    bool          `json:"first"` // they went before everybody else
	Sleepers []Sleeper     `json:"sleepers"`

	Watched   bool            `json:"watched"`             // strangers were looked for
	Strangers map[int][]Stall `json:"strangers,omitempty"` // when they had a processor, in order
}

// Sleeper is the thread of one processor. Points that passed while it slept count as
// well, as calls would that were due then.
type Sleeper struct {
	CPU    int           `json:"cpu"`
	Points uint64        `json:"points"`
	Missed uint64        `json:"missed"` // of them: it woke later than allowed
	Worst  time.Duration `json:"worst_ns"`
	Stalls []Stall       `json:"stalls"`
}

// Stall is a time in which the processor may have been away: from when its sleeper was
// last seen to be on time, which is up to Every before the first point that it missed,
// until it woke.
type Stall struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Calm reports whether everybody was OnTime from ≤ t < to, and strangers had no processor
// for more than Allowed in all of it.
func (l *Log) Calm(from, to int64) bool {
	return l.OnTime(from, to) && l.Others(from, to) <= l.Allowed
}

// OnTime reports whether every sleeper slept throughout from ≤ t < to, and none missed a
// point in it. A processor that was away for more than Every and Allowed together is
// always seen.
func (l *Log) OnTime(from, to int64) bool {
	if len(l.Sleepers) == 0 || from < l.From || to > l.To {
		return false
	}
	return !slices.ContainsFunc(l.Sleepers, func(s Sleeper) bool {
		// Stalls are in order and apart.
		i, _ := slices.BinarySearchFunc(s.Stalls, from, func(s Stall, from int64) int {
			if s.To > from {
				return 1
			}
			return -1
		})
		return i < len(s.Stalls) && s.Stalls[i].From < to
	})
}

// Others is how long strangers had the processor that they had for longest, of the time
// from ≤ t < to. 0 where nobody looked.
func (l *Log) Others(from, to int64) (most time.Duration) {
	for _, runs := range l.Strangers {
		// Runs are in order and apart.
		i, _ := slices.BinarySearchFunc(runs, from, func(r Stall, from int64) int {
			if r.To > from {
				return 1
			}
			return -1
		})
		had := int64(0)
		for ; i < len(runs) && runs[i].From < to; i++ {
			had += min(runs[i].To, to) - max(runs[i].From, from)
		}
		most = max(most, time.Duration(had))
	}
	return most
}

// Total adds up the sleepers.
func (l *Log) Total() (t Sleeper) {
	for _, s := range l.Sleepers {
		t.Points, t.Missed, t.Worst = t.Points+s.Points, t.Missed+s.Missed, max(t.Worst, s.Worst)
	}
	return t
}

// miss notes a point that was met too late, at woke; last is when the one before was.
func (s *Sleeper) miss(last, woke int64) {
	s.Missed++
	if n := len(s.Stalls); n > 0 && last <= s.Stalls[n-1].To {
		s.Stalls[n-1].To = woke // it is still late from the stall before
		return
	}
	s.Stalls = append(s.Stalls, Stall{last, woke})
}
