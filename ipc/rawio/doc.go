// Package rawio reads and writes non-blocking descriptors without telling Go's
// scheduler.
//
// The scheduler is told of system calls because they may block. One that cannot is
// only made dearer by that, and twice so in a process that was idle: the runtime's
// monitor thread wakes up, polls every 20 µs, and takes the processor away from a
// call that is in the kernel for longer than that, which a write is when it wakes
// its reader on the same core. At a thousand requests a second this cost more than
// the requests themselves; with no pause between requests it made a chain of three
// processes twice as slow.
//
// Under the race detector the calls go through package syscall, from which it learns
// that what happened before a write has happened before the read of it.
package rawio
