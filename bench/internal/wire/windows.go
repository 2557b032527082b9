package wire

import (
	"slices"
	"time"
)

// Window is how long the stretches are by which a run is judged: long against a call,
// short against a run. What takes the machine away for a few milliseconds spoils a few of
// them; a server that cannot keep up spoils them all.
const Window = 20 * time.Millisecond

// windows counts, for each stretch of intended starts, how many calls were to be made
// and how many were kept.
type windows struct {
	from    int64 // intended start of the first, ns
	next    uint64
	intends []uint64
	kept    []uint64
}

func newWindows(run time.Duration) windows {
	n := int(run / Window)
	return windows{intends: make([]uint64, n), kept: make([]uint64, n)}
}

// at is the window of an intended start; -1 outside the measured part.
func (w *windows) at(intended int64) int {
	i := (intended - w.from) / int64(Window)
	if intended < w.from || i >= int64(len(w.kept)) {
		return -1
	}
	return int(i)
}

// start counts call n of the schedule, and those since the last one: they were dropped.
func (w *windows) start(n uint64, intended int64) {
	if i := w.at(intended); i >= 0 {
		w.intends[i] += n + 1 - w.next
	}
	w.next = n + 1
}

// keep counts a call that was answered as it should.
func (w *windows) keep(intended int64) {
	if i := w.at(intended); i >= 0 {
		w.kept[i]++
	}
}

// median is the share of calls kept, 0 to 1, in the median window. One without a start
// does not count.
func (w *windows) median() float64 {
	var shares []float64
	for i, n := range w.intends {
		if n > 0 {
			shares = append(shares, float64(w.kept[i])/float64(n))
		}
	}
	if len(shares) == 0 {
		return 0
	}
	slices.Sort(shares)
	return shares[len(shares)/2]
}
