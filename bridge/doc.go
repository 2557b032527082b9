// Package bridge answers prediction requests inside their budget, with a model
// where one answers in time and from a lower rung of the ladder where none does.
//
// The way of a call, which is also the order of the files:
//
//	ipc.Server   frames in; the round's calls come to Bridge.Round
//	cache        the same question a moment ago: answered at once
//	question     identical questions of several callers become one; each caller's
//	             deadline is armed on the loop
//	lane         one per kind: what queued up leaves as one HTTP call (flight); retry says
//	             when, speech in which form
//	upstream     the daemon, over HTTP/1.1
//	lane         the answer is checked, kept, and delivered to all who wait
//	score        model and rule are judged by the outcomes that come back
//
// At its deadline a call that still waits is answered from the best rung there is,
// stale or rule, and the question goes on: its answer serves the next call.
//
// Everything runs on one event loop and nothing on the way is locked; Predict, Outcomes,
// Scores, Upstream and the metrics are for other goroutines.
package bridge
