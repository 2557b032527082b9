// Package replay plays a recording of ml-bridge's socket (package record) back against a
// bridge, at the pace at which its calls came or a multiple of it, and compares what was
// answered: by two bridges, or by one and in the recording.
//
// Calls keep their times, their order, their batches, the connections that they came on,
// as far as there are connections, their budgets and classes. Outcomes are not played back: they
// name predictions of the bridge that was recorded. Slots that asked something impossible
// are left out.
package replay
