package rawio

import "golang.org/x/sys/unix"

// Yield offers the processor to other threads that are ready to run on it, without
// telling Go's scheduler: sched_yield(2). Goroutines that wait for this thread go on
// waiting.
func Yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
