package mlclient

import (
	"sync/atomic"

	"github.com/mlbridge/mlbridge/ipc"
)

// counters are what no shard counts.
type counters struct {
	sources                                  [len(ipc.Sources)]atomic.Uint64 // of Predict
	refreshBatches, refreshed, refreshFailed atomic.Uint64
	outcomes, outcomesLost                   atomic.Uint64
}

// Stats is a snapshot of a client's numbers since its start.
type Stats struct {
	State State // of the connection

	Lookups  [len(ipc.Sources)]uint64 // answers of Lookup by source; SourceNone stays 0
	Predicts [len(ipc.Sources)]uint64 // slots of Predict by source; SourceNone: no answer

	Entries uint64 // subjects remembered now
	Bytes   uint64 // that they take, at the worst
	Evicted uint64 // subjects forgotten for lack of room

	Queued         uint64 // questions that Lookup queued
	Coalesced      uint64 // questions that took the place of a queued one or were away already
	Dropped        uint64 // questions refused because the queue was full
	RefreshBatches uint64 // batches sent for them
	Refreshed      uint64 // questions of those that were answered
	RefreshFailed  uint64 // and that were not

	Connects uint64 // connections made
	Failures uint64 // attempts that failed
	Hangs    uint64 // connections dropped because the bridge did not answer

	Outcomes     uint64 // outcomes passed on
	OutcomesLost uint64 // outcomes that could not be
}

// Stats takes a snapshot. It locks one shard after the other, so the numbers are
// each exact but not of one moment.
func (c *Client) Stats() Stats {
	t := &c.stats
	s := Stats{
		RefreshBatches: t.refreshBatches.Load(), Refreshed: t.refreshed.Load(), RefreshFailed: t.refreshFailed.Load(),
		Connects: c.link.connects.Load(), Failures: c.link.failures.Load(), Hangs: c.link.hangs.Load(),
		Outcomes: t.outcomes.Load(), OutcomesLost: t.outcomesLost.Load(),
	}
	if c.link.up() {
		s.State = Up
	}
	for i := range t.sources {
		s.Predicts[i] = t.sources[i].Load()
	}
	for i := range c.cache.shard {
		c.cache.shard[i].addTo(&s)
	}
	return s
}

func (h *shard) addTo(s *Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, n := range h.sources {
		s.Lookups[i] += n
	}
	s.Entries += uint64(len(h.entries))
	s.Bytes += uint64(cap(h.entries) * entryBytes)
	s.Evicted += h.evicted
	s.Queued += h.queued
	s.Coalesced += h.replaced
	s.Dropped += h.dropped
}
