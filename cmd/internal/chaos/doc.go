// Package chaos breaks ml-bridge and mld, as real processes, while calls are made through
// the real socket with the kernel side's client, and counts what became of every call.
//
// Calls are an open loop: they start when they start, and their latency counts from
// there. Every answer is compared with what an oracle knows: the model's prediction for
// that very question, computed in this process by the same engine, the rule's, or for a
// cached or stale answer the model's for a question about the same subject. An answer
// that is none of these is wrong, whatever else is broken; there must be none, and no
// call without an answer.
//
// `make chaos` runs everything and writes out/chaos.json and docs/chaos.md; the tests
// of this package run a short form. Faults that need privileges are rows of their own,
// which say why where they were not run.
package chaos
