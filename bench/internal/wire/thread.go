package wire

import "golang.org/x/sys/unix"

// settle prepares the calling thread, which is locked to the pacing goroutine, for
// spinning: away from the last core, where pinned servers run (package process), and
// before others that want its own. Neither is an error where it cannot be had, on one
// core or without the right to: then the generator is late, says so, and the point is
// void. The thread stays like this; the process should make one run and end.
func settle() {
	var cores unix.CPUSet
	if unix.SchedGetaffinity(0, &cores) == nil && cores.Count() > 1 {
		last := 0
		for cpu := range 1024 {
			if cores.IsSet(cpu) {
				last = cpu
			}
		}
		cores.Clear(last)
		_ = unix.SchedSetaffinity(0, &cores)
	}
	// Not real-time scheduling: the kernel takes a spinning real-time thread off its core
	// for 50 ms in every second (sched_rt_runtime_us).
	const highest = -20
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, highest)
}
