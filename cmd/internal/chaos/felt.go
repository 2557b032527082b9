package chaos

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// felt keeps what every call of a load took, so that parts of the load can be looked at.
type felt struct {
	mu    sync.Mutex
	calls []feltCall // guarded by mu
}

type feltCall struct {
	intended      int64
	late, latency time.Duration // of its start; of its answer
	inTime        bool
}

// follow has the load, which is to be run once, tell of its calls.
func (l *Load) follow() *felt {
	f := &felt{calls: make([]feltCall, 0, int(l.Rate*l.For.Seconds())+1)}
	l.each = f.note
	return f
}

func (f *felt) note(c feltCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
}

// window is the calls that were due in a part of a load.
type window struct {
	from   int64 // of CLOCK_MONOTONIC
	lasts  time.Duration
	inTime uint64
	worst  time.Duration // latency
	late   []feltCall
}

// windows cuts a load that lasted so long, from its first call on; the last one may be
// shorter. They begin a microsecond early: when a call is due is rounded.
func (f *felt) windows(each, lasts time.Duration) []window {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) == 0 {
		return nil
	}
	first := slices.MinFunc(f.calls, func(a, b feltCall) int { return cmp.Compare(a.intended, b.intended) }).intended - int64(time.Microsecond)
	var out []window
	for at := time.Duration(0); at < lasts; at += each {
		out = append(out, window{from: first + int64(at), lasts: min(each, lasts-at)})
	}
	for _, c := range f.calls {
		if i := (c.intended - first) / int64(each); i < int64(len(out)) {
			w := &out[i]
			w.worst = max(w.worst, c.latency)
			if c.inTime {
				w.inTime++
			} else {
				w.late = append(w.late, c)
			}
		}
	}
	return out
}

// between gives what the calls took that were due from ≤ t < to.
func (f *felt) between(from, to int64) (took []time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c.intended >= from && c.intended < to {
			took = append(took, c.latency)
		}
	}
	return took
}
