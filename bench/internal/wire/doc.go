// Package wire asks ml-bridge over many connections from a single thread. It is what
// the curves are measured with: a client whose own cost per call is small and the same
// for one connection and for ten thousand, so that a curve's shape is the bridge's.
//
// A connection is one descriptor and a few dozen bytes: no goroutines, no timers. All
// are in one epoll set. Questions go out as the payload's frames, of replies only what
// the curves count is read: call id, status, source.
//
// [Closed] keeps a number of calls in flight. [Generator] is the client of an open
// loop: for package kernelsim/load it is the target and the clock in one, so that the
// pacing thread reads the answers while it waits for the next start.
package wire
