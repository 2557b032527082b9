package ipc

import "time"

// Instant is a point on this process's monotonic clock, in ns. Instants of
// different processes say nothing about each other: only time left crosses a hop.
type Instant int64

// epoch carries the monotonic reading that Now counts from. It lies a second
// back, so that no Instant is zero.
var epoch = time.Now().Add(-time.Second)

// Now reads the monotonic clock (about 40 ns, no system call).
func Now() Instant { return Instant(time.Since(epoch)) }

// Add gives the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub gives the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }
