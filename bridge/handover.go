package bridge

import (
	"errors"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Handover is what a bridge leaves to its successor in another process: its peers'
// connections, the answers it knew, and where its models stand (the latter two opaque;
// see cachestate.go and standingstate.go).
type Handover struct {
	Conns     []ipc.Handed
	Answers   []byte
	Standings []byte
}

// Taken counts what a bridge took over.
type Taken struct {
	Conns     int
	Answers   int
	Standings int // of models
}

// patience is how long a hand-over waits for the daemon: everybody else's questions
// wait meanwhile.
const patience = 250 * time.Millisecond

// HandOver ends the bridge like Shutdown, but leaves its connections and what it knew
// to a successor, without a word to the peers. Calls in flight are answered: from the
// model if it answers within 250 ms, else from a lower rung. It reports how many
// connections were cut because even that took longer than grace.
func (b *Bridge) HandOver(grace time.Duration) (h Handover, cut int) {
	if b.Discard() {
		return h, 0
	}
	b.settleIn(min(patience, grace-grace/4))
	h.Conns, cut = b.server.HandOver(grace)
	b.loop.Post(func() {
		h.Answers = b.cache.save(b.now(), b.cfg.StaleBound)
		h.Standings = b.score.save()
		b.settle()
		b.loop.Close()
	})
	<-b.loop.Done()
	return h, cut
}

// TakeOver begins where another bridge left off. Call it after Listen and before Run.
// What it could not take is an error, and no reason not to run.
func (b *Bridge) TakeOver(h Handover) (n Taken, err error) {
	for _, c := range h.Conns {
		if adoptErr := b.server.Adopt(c); adoptErr != nil {
			err = adoptErr
			continue
		}
		n.Conns++
	}
	var problem error
	if len(h.Answers) > 0 {
		n.Answers, problem = b.cache.restore(h.Answers, b.now())
		err = errors.Join(err, problem)
	}
	if len(h.Standings) > 0 {
		n.Standings, problem = b.score.restore(h.Standings)
		err = errors.Join(err, problem)
	}
	return n, err
}
