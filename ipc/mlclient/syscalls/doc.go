// Package syscalls turns an agent's stream of system calls into the fields of
// a threat request: the four metrics, the syscall_features vector, and the
// anomalies that say how unlike ordinary programs the stream is.
//
// A kernel (or whoever watches an agent) calls Stream.Add for every call and
// Stream.Report when it asks for a prediction. Both allocate nothing and use a
// fixed 300 bytes per agent. The stream's state is the client's: the model
// stays a pure function of the request.
//
//	var s syscalls.Stream
//	s.Add(syscalls.X8664(nr), bytes)
//	...
//	s.Report(&request, syscalls.Ordinary(), now)
//
// # Metrics
//
// Since the previous report: syscall_count counts all calls; operation_count
// those of the classes file, process, identity and network; memory_usage the
// bytes passed to Add with calls of class memory, network_activity those with
// calls of class network (0 where the watcher does not know bytes).
//
// # Layout of syscall_features
//
// Over the last min(100, all) calls, mapped to groups (open, openat and creat
// are one group; all socket calls are one, since i386 has one number for them):
//
//	0 … 62     share of each group, in the order of groups.go; they sum to 1
//	63         calls in the window / 100
//	64         different groups / 63
//	65         entropy of the shares, bits
//	66         share of the commonest group
//	67         share of calls of the same group as the call before
//	68 … 116   share of each pair of classes, before × after, in row order;
//	           classes: file, memory, process, identity, network, wait, other
//
// Over the agent's calls so far, a thousand to two thousand of them at most (its memory:
// counts of the groups, all halved, rounding down, whenever they sum to 2,000):
//
//	117 … 123  share of each class, in the order above
//	124        calls in the memory / 1,000, at most 1
//	125        different groups / 63
//	126        entropy of the groups' shares, bits
//	127        share of the commonest group
//
// The counts of that memory themselves go into syscall_counts, in the same order of groups.
//
// A vector of the first 117 alone is that of a client without memory: the model takes
// the agent to have begun with the window. A vector of another length is not an error;
// the model treats it as absent.
//
// # Anomaly types
//
// The built-in table knows, from recorded ordinary programs, which call follows
// which. Types 1-6 are its findings about the same window; timestamp is the time
// of the report, and severity is 1 - 2^(-value/usual), in [0, 1), where usual is
// the value that 95 of 100 windows of the median ordinary program stay below: 0.5
// is the edge of the ordinary. Types 7-999 are reserved, types from 1000 are free for
// other detectors: the shipped model does not read them, and halves its
// confidence when they come without syscall_features.
//
//	type  value                                                   usual
//	1     mean surprise of a call given the one before, bits      4.45
//	2     largest surprise, bits                                  15.94
//	3     90th percentile of the surprise, bits                   10.56
//	4     share of calls with a surprise above 4 bits             0.354
//	5     share of calls with a surprise above 6 bits             0.242
//	6     share of runs of three calls that the table never saw   0.378
package syscalls
