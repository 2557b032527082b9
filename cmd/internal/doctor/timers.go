package doctor

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// nap is how long the timers' trial sleeps each time: a part of the usual budget.
	nap = 200 * time.Microsecond
	// margin is what the bridge keeps of a budget for the way back.
	margin = 150 * time.Microsecond
)

// timers measures how late this host wakes who sleeps: the bridge answers before a
// deadline by being woken before it.
func (h *Host) timers(context.Context) []Finding {
	const area = "timers"
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	late := make([]time.Duration, 0, h.Sleeps)
	for range h.Sleeps {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			return []Finding{found(area, Failure, "Deadlines cannot be kept without one: is a seccomp filter in the way (clock_gettime)?", "no monotonic clock: %v", err)}
		}
		due := unix.NsecToTimespec(now.Nano() + int64(nap))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &due, nil)
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
		late = append(late, time.Duration(now.Nano()-due.Nano()))
	}
	return []Finding{judgeTimers(late)}
}

// judgeTimers says what the lateness of some sleeps means.
func judgeTimers(late []time.Duration) Finding {
	const area = "timers"
	slices.Sort(late)
	p50, p99 := late[len(late)/2], late[len(late)*99/100]
	switch {
	case p99 > time.Millisecond:
		return found(area, Warning, "Answers will be late by as much. Look at the processors and at pressure: too many runnable tasks, a throttled cgroup, deep idle states or a busy hypervisor do this.",
			"who sleeps wakes %v late (median), %v at 99 %%: more than the usual budget of 1 ms", p50, p99)
	case p99 > margin:
		return found(area, Note, "Budgets of a millisecond are kept less often than elsewhere. Isolated or less busy processors help.",
			"who sleeps wakes %v late (median), %v at 99 %%: more than the %v kept of a budget", p50, p99, margin)
	}
	return good(area, "who sleeps wakes %v late (median), %v at 99 %%", p50, p99)
}

// clock looks at what tells the time.
func (h *Host) clock(context.Context) []Finding {
	const area = "timers"
	source := line(h.Sys, "devices/system/clocksource/clocksource0/current_clocksource")
	switch source {
	case "":
		return []Finding{found(area, Note, "Mount /sys to know; a slow clock costs a microsecond a look.", "the clock source cannot be read")}
	case "tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page":
		return []Finding{good(area, "clock source %s", source)}
	}
	return []Finding{found(area, Warning, "Every look at the clock is a slow one. Boot with clocksource=tsc where the processor's is reliable.", "clock source %s", source)}
}

// processors looks at how many there are, how they save power, and who else uses them.
func (h *Host) processors(context.Context) []Finding {
	const area = "processors"
	n := runtime.NumCPU()
	out := []Finding{good(area, "%d to run on", n)}
	if n == 1 {
		out = []Finding{found(area, Note, "Bridge, mld and clients take turns on it; HTTP requests wait up to 10 ms for theirs.", "only one to run on")}
	}
	if governor := line(h.Sys, "devices/system/cpu/cpu0/cpufreq/scaling_governor"); governor == "powersave" {
		out = append(out, found(area, Note, "On older drivers than intel_pstate and amd-pstate: cpupower frequency-set -g performance.", "the frequency governor is powersave"))
	}
	if line(h.Proc, "sys/kernel/sched_autogroup_enabled") == "1" {
		out = append(out, found(area, Note, "sysctl kernel.sched_autogroup_enabled=0 where batch work is to be kept behind by nice, or by the idle class: with it, a session's processes compete as one, whatever their priority. (Services in cgroups of their own are not concerned.)", "autogroups are on"))
	}
	if user, steal := h.stolen(); user > 0 && steal > 0.02 {
		out = append(out, found(area, Warning, "Other machines take processor time away; no setting here changes that.", "%.1f %% of the time since boot was stolen by the hypervisor", 100*steal))
	}
	return out
}

// stolen gives the ticks since boot and the share of them that the hypervisor took
// (proc_stat(5), the first line's columns).
func (h *Host) stolen() (total, share float64) {
	columns := fields(line(h.Proc, "stat"))
	if len(columns) < 9 || columns[0] != "cpu" {
		return 0, 0
	}
	var steal float64
	for i, c := range columns[1:9] {
		v, err := strconv.ParseFloat(c, 64)
		if err != nil {
			return 0, 0
		}
		total += v
		if i == 7 {
			steal = v
		}
	}
	if total == 0 {
		return 0, 0
	}
	return total, steal / total
}
