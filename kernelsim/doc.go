// Package kernelsim is the kernel's side of mlbridge, played in user space: what a
// scheduler, a memory manager, a healing and a security subsystem would ask, what
// they do with the answers, and how long the answers take. It reaches the bridge
// through its socket and nothing else.
//
//	source      what is observed: live /proc, recordings, a seeded generator
//	trace       the readers of the recordings in testdata/traces
//	advice      asking: the model first, the rule when it is absent or unsure
//	scheduler   workload → allocation         memory     next page → prefetch queue
//	healing     failure → recovery procedure  security   threat → action
//	score       model against rule on the same outcomes, with intervals
//	load        open and closed loops with honest latencies, and the verdict
//	drive       the load's callers: real questions through real connections
//	scenario    a run: the subsystems, then the load
//	report      what is said about it: text, JSON, one HTML page, live progress
//
// Nothing here changes the host. Allocations, prefetches, recovery procedures and
// actions happen to simulated state, beside a second set of subsystems that follow
// the rule alone on the same input. Command kernelsim is the front end.
package kernelsim
