package chaos

import (
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
}

// follow has the load, which is to be run once, tell of its calls.
func (l *Load) follow() *felt {
	f := &felt{calls: make([]feltCall, 0, int(l.Rate*l.For.Seconds())+1)}
	l.each = f.note
	return f
}

func (f *felt) note(intended, started, answered int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, feltCall{intended, time.Duration(started - intended), time.Duration(answered - intended)})
}

// between gives the p99 of the calls that were due in an interval, and the p99 of how
// late the load was to make them.
func (f *felt) between(from, to int64) (latency, late time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var took, start []time.Duration
	for _, c := range f.calls {
		if c.intended >= from && c.intended < to {
			took, start = append(took, c.latency), append(start, c.late)
		}
	}
	return p99(took), p99(start)
}

func p99(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(len(d)*99/100, len(d)-1)]
}
