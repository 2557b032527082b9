// Package source is where the simulated kernel gets its input from: the live
// host, recorded traces, or a seeded generator. A [Stream] hands out what was
// observed at one instant after the other; what is asked, acted on and measured
// with it is the subsystems' business.
//
// The live streams need no privileges: they read /proc as any user can, and see
// the processes that user may see. They never make up what the host does not
// say: a process seen for the first time has no share yet and yields no sample,
// and its history begins with the first one.
//
// Replayed and generated streams run as fast as they are read. Several recordings
// play side by side, one row of each at a time, so that the agents in them take
// turns as processes do.
package source
