// Package load drives a system with calls and measures, honestly, how long it
// takes to answer them. It knows nothing of what is called: a [Target] starts
// calls, and says of each when it is done and where the answer came from.
//
// # Open loop
//
// [StartOpen] decides beforehand when every call starts (its intended start, a
// value computed by a [Pacer]) and never waits for an answer before making the
// next call. Latency is finish minus intended start. A system that stalls for
// 10 ms thereby gets 10 ms, 9.9 ms, 9.8 ms … for the calls that fell into the
// stall; a closed loop would note one slow call and make no others meanwhile
// (Tene, "How NOT to Measure Latency": coordinated omission). The naive latency,
// finish minus actual send, is kept beside it so that both can be printed and
// the difference seen.
//
// Nothing is delayed in silence. A start that finds the in-flight bound reached
// is dropped and counted, and counts as not answered within the budget. So does
// an error, and a call that was still unanswered after the drain time, which is at
// least the budget (lost). How late a lost call was started, and what Issue took
// before it, are in the pacing and issue histograms like everybody's. Percentiles
// are of all intended calls: those without an answer are slower than any
// ([Label.Quantiles]).
//
// The generator watches itself, too. The pacing error says how late the pacing
// thread started a call for reasons of its own; a run whose p99 pacing error
// exceeds [MaxPacingError] measured the generator rather than the system, and
// its verdict is [Void]. So is that of a run which fails for no other reason than
// calls that the generator was late with, or which made too few calls to tell, or was
// interrupted ([Result.Verdict]).
//
// # Where the time is taken
//
// One goroutine, locked to its thread, makes all starts. Go rounds idle waits
// below a millisecond up to one, so the thread sleeps in clock_nanosleep with an
// absolute time and spins the last microseconds ([Monotonic]). It touches no
// lock and allocates nothing: call records come from a fixed pool, and finished
// ones travel over a lock-free stack to the recorder goroutine, which wakes every
// two milliseconds, updates the histograms and hands the records back. Waking the
// recorder for each answer, as a channel does, would be paid by the thread that
// answers, which for a cache hit is the pacing thread itself: measured at 10,000
// calls a second on two virtual cores, 12 µs a send against 0.1 µs for the stack.
//
// The generator needs processor time when a call is due. On a machine whose cores
// are all busy it will be late, say so, and declare the run void.
//
// # Closed loop
//
// [StartClosed] runs N workers that each wait for their answer before the next
// call. It finds out what a system can do at most; its latencies leave out what
// users would have waited, so its results say that they are closed loop.
package load
