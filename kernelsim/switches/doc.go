// Package switches tells which thread was given which processor and when it left it, as
// the kernel does: perf_event_open(2), PERF_RECORD_SWITCH and PERF_RECORD_SWITCH_CPU_WIDE.
//
// A user may ask that of processes of his own, and of the whole machine with CAP_PERFMON,
// unless perf_event_paranoid or a filter of system calls is in the way. The kernel writes
// into a ring in memory for each processor; a record costs it well below a microsecond.
// Who does not Drain in time loses what no longer has room.
package switches
