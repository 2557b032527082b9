// Package pages turns an agent's stream of page faults into the fields of a
// memory request, the optional candidates and their chances included.
//
// A memory manager calls Tracker.Add at every fault of an agent and
// Tracker.Report when it asks for a prediction:
//
//	var t pages.Tracker
//	t.Add(address, ipc.AccessWrite, now)
//	...
//	t.Report(&request)
//
// A request shows the last twenty faults. The tracker remembers more: which
// steps and pages followed which, which pages faulted lately, and which way of
// finding the next page has been right in which order. A way is a "slot"
// (slots.go): the page above the last one, the page above the one before, the
// step that followed the last two steps, ... Which slot will be right next is
// predicted from which were right last (chances.go), so what was learnt in one
// place of memory holds in all. The sixteen best pages become candidates, best
// first, with their chances.
//
// A tracker is 200 KiB, whatever the agent does: tables are of fixed size and
// forget. It needs no floating point but to write the chances, about 2 µs a
// fault, and allocates nothing. State stays with the client: the model is a pure
// function of the request.
package pages
