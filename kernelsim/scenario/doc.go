// Package scenario runs the simulated kernel. It has two phases.
//
// First the four subsystems run, each on its own sources, as fast as their inputs
// come: they ask the bridge, act, see what happened, and report it back. What they
// asked is sampled into a pool. Then the load phase asks the questions of the pool
// again, mixed, at a fixed pace, and measures how long the answers take.
//
// The phases are apart on purpose. Reading /proc and replaying recordings takes
// processor time, and on a small machine the load generator would measure that.
package scenario
