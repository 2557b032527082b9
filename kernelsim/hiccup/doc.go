// Package hiccup tells when a machine could not have been on time, while something else
// is measured on it.
//
// A thread on each processor does nothing but sleep until one point in time after the
// other, with clock_nanosleep(2), and notes where it woke too late: a hypervisor that
// takes processors away, an interrupt that lasts, a machine that is frozen. (The idea is
// that of Gil Tene's jHiccup, which has one thread for the whole machine.) There is a thread
// a processor because a hypervisor takes them one by one: a sleeper that may run anywhere
// wakes on the one that is left, and a call that needs the other is late alone.
//
// A program of somebody else's that computes makes no such sleeper late, and yet everybody
// of its own class. So the kernel is asked, too, when other processes than this one and its
// descendants had a processor (package switches), where it may be: with CAP_PERFMON.
// Processes outside of this one's PID namespace have no number in it and are not seen.
//
// The sleepers go before everybody else, in the real-time class, where that is allowed. So
// what makes them late is the machine, and not that whoever is measured kept a processor
// for itself; where they may not, it can be either. They use little: a wake-up is some
// microseconds. They are a process of their own, without Go's runtime.
package hiccup
