package cli

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// repeats keeps a message that others can cause, a hostile peer for instance, from
// filling the log: of the same message the first ten of a minute are written, and the
// first of a later minute says how many were not.
type repeats struct {
	mu   sync.Mutex
	seen map[repeated]*burst // guarded by mu
}

// repeated is what makes two lines the same: their fields do not.
type repeated struct {
	level zerolog.Level
	text  string
}

type burst struct {
	since             time.Time
	written, withheld int
}

const (
	repeatBurst  = 10
	repeatPeriod = time.Minute
	// repeatTexts bounds the messages told apart. Programs have fewer; were there
	// more, the rest would be written without a limit rather than lost.
	repeatTexts = 256
)

func newRepeats() *repeats { return &repeats{seen: make(map[repeated]*burst)} }

// Run is called by zerolog before a line is written.
func (r *repeats) Run(e *zerolog.Event, level zerolog.Level, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, key := time.Now(), repeated{level, text}
	b := r.seen[key]
	if b == nil {
		if len(r.seen) == repeatTexts {
			return
		}
		b = &burst{since: now}
		r.seen[key] = b
	}
	if now.Sub(b.since) >= repeatPeriod {
		if b.withheld > 0 {
			e.Int("withheld", b.withheld)
		}
		*b = burst{since: now}
	}
	if b.written == repeatBurst {
		b.withheld++
		e.Discard()
		return
	}
	b.written++
}
