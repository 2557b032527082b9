// Package anatomy takes the time of a call apart: by process, by who spends it (the
// kernel on sockets, the kernel on waking and switching, our code, the model, the rest)
// and by stage. It needs neither root nor a profiler: what a process used comes from
// proc(5), what a stage takes from micro-benchmarks on the same core in the same run.
//
// All processes of a call share one core and one call is under way, so at any time one
// of them runs and the sum of what they use is what a call takes. What the method cannot
// see: a stage measured alone has its code and data in the caches, in a call the other
// processes have just been there. That difference is part of the rest.
package anatomy
