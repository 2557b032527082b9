// Package drive asks the bridge recorded questions at a given pace, through its
// real socket, for package load to measure. It is the load engine's target: it
// neither paces nor counts.
//
// A call is made by one of a fixed set of callers, each a goroutine with its own
// request and reply storage, as the threads of a kernel would be. Handing a call to
// a caller costs the pacing thread a wake-up, and the caller's own waking is part of
// the latency measured, which counts from the intended start.
package drive
