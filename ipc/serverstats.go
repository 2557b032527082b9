package ipc

import "sync/atomic"

// serverStats are written by the loop and read by anyone.
type serverStats struct {
	connections, accepted, adopted, refused, acceptErrors atomic.Uint64
	messages, slots, slotsInvalid, callsRefused           atomic.Uint64
	outcomes, outcomesRefused                             atomic.Uint64
	faults, stuck, orphaned, overQuota                    atomic.Uint64
	rests, storms                                         atomic.Uint64
	bytesIn, bytesOut                                     atomic.Uint64
}

// ServerStats is a snapshot of a server's counters since its start.
type ServerStats struct {
	Connections     uint64 // open now
	Accepted        uint64 // connections admitted, those adopted included
	Adopted         uint64 // connections taken over from a server before this one
	Refused         uint64 // connections turned away: not admitted, or too many
	AcceptErrors    uint64 // times accepting had to rest, e.g. for lack of descriptors
	Messages        uint64 // predict messages taken
	Slots           uint64 // questions in them
	SlotsInvalid    uint64 // questions answered invalid or unimplemented before the backend
	CallsRefused    uint64 // predict messages refused whole: draining or too many in flight
	Outcomes        uint64 // outcomes taken
	OutcomesRefused uint64 // outcome messages of which some were left out
	Faults          uint64 // connections closed for breaking the protocol
	Stuck           uint64 // connections closed for not taking their replies
	Orphaned        uint64 // answers whose asker had hung up
	OverQuota       uint64 // connections and predict messages refused for a peer's quota; in Refused and CallsRefused, too
	Rests           uint64 // times a connection was not read for a while, for others' sake
	Storms          uint64 // times accepting rested because a peer connected that rests itself
	BytesIn         uint64
	BytesOut        uint64
}

// Stats takes a snapshot. Any goroutine may call it.
func (s *Server) Stats() ServerStats {
	t := &s.stats
	return ServerStats{
		Connections: t.connections.Load(), Accepted: t.accepted.Load(), Adopted: t.adopted.Load(),
		Refused: t.refused.Load(), AcceptErrors: t.acceptErrors.Load(),
		Messages: t.messages.Load(), Slots: t.slots.Load(),
		SlotsInvalid: t.slotsInvalid.Load(), CallsRefused: t.callsRefused.Load(),
		Outcomes: t.outcomes.Load(), OutcomesRefused: t.outcomesRefused.Load(),
		Faults: t.faults.Load(), Stuck: t.stuck.Load(), Orphaned: t.orphaned.Load(), OverQuota: t.overQuota.Load(),
		Rests: t.rests.Load(), Storms: t.storms.Load(),
		BytesIn: t.bytesIn.Load(), BytesOut: t.bytesOut.Load(),
	}
}
