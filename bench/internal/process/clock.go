package process

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime gives the CPU time that the processes have used so far, all their threads
// together, to the nanosecond: their CPU clocks are read, as clock_getcpuclockid(3)
// would have it. A process that is gone counts as 0.
func CPUTime(pids []int) time.Duration {
	var sum time.Duration
	for _, pid := range pids {
		const cpuClockSched = 2 // the clock counts time on a CPU, all threads
		var t unix.Timespec
		if unix.ClockGettime(^int32(pid)<<3|cpuClockSched, &t) == nil {
			sum += time.Duration(t.Nano())
		}
	}
	return sum
}
