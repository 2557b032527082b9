package main

import (
	"fmt"

	"github.com/prometheus/procfs"
)

// cpuTime is what the host's processors did since boot, in seconds
// (proc_stat(5)).
type cpuTime struct{ all, idle, stolen float64 }

// hostTime reads /proc/stat below root. Where it cannot be read nothing is said.
func hostTime(root string) (cpuTime, bool) {
	proc, err := procfs.NewFS(root)
	if err != nil {
		return cpuTime{}, false
	}
	stat, err := proc.Stat()
	if err != nil {
		return cpuTime{}, false
	}
	c := stat.CPUTotal // guest time is part of user time already
	all := c.User + c.Nice + c.System + c.Idle + c.Iowait + c.IRQ + c.SoftIRQ + c.Steal
	return cpuTime{all: all, idle: c.Idle + c.Iowait, stolen: c.Steal}, true
}

// tellSteal says, where a tick has passed at all, how busy the processors were between two readings, and how much of
// their time a hypervisor gave to others: that delays everybody here, the load
// generator and its clock included, and no program on this machine can help it.
func tellSteal(from, to cpuTime) string {
	all := to.all - from.all
	if all <= 0 {
		return ""
	}
	busy := 100 * (1 - (to.idle-from.idle)/all)
	if stolen := 100 * (to.stolen - from.stolen) / all; stolen >= 0.05 {
		return fmt.Sprintf("During the load this host's processors were %.0f %% busy, of which %.1f %% went to other machines of the hypervisor (steal).", busy, stolen)
	}
	return fmt.Sprintf("During the load this host's processors were %.0f %% busy, everything that runs here included.", busy)
}
