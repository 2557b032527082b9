// Package advice is how a kernel subsystem asks: the model first, the rule when no
// model answered in time or the answer is less sure than the subsystem asks for.
//
// A subsystem insists on the model (ipc.Options.RequireModel) and applies its own
// threshold, because it knows what a wrong decision costs: a wasted prefetch is
// cheap, isolating a program is not. The bridge's threshold, one for everybody,
// would take that choice away. The rule that then decides is the same code as the
// bridge's last rung.
//
// The rule is evaluated for every question, so that what it would have done can be
// measured beside what was done.
package advice
