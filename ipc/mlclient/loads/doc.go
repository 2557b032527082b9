// Package loads turns an agent's readings, one for each sampling interval, into the
// fields of a workload request, what is remembered of its longer past included.
//
// A scheduler calls Tracker.Add when an interval has ended and Tracker.Report when it
// asks about the next one:
//
//	var t loads.Tracker
//	t.Add(loads.Reading{CPU: 0.25, Memory: 1 << 30})
//	...
//	t.Report(&request)
//
// A request shows the last ten readings. The tracker remembers more, for each of cpu,
// memory and gpu: how far readings move and about which level, how wrong simple
// forecasts were (habits.go), and the last Memory readings themselves, among which it
// looks for the moments most like this one (analogs.go). What came after those is the
// best that is known of programs that do the same again. All of it goes into cpu_past,
// memory_past and gpu_past, Width numbers each:
//
//	0      mean absolute step
//	1      mean, less the current value
//	2      deviation from the mean
//	3, 4   mean absolute errors of two forecasts from ten readings, over that of the last
//	       value: their mean, and the line through the last two; at most 32, and 1 where
//	       nothing moved
//	5      mean product of two steps in a row, over the mean square of a step
//	6-11   like the last three readings: what followed the nearest moment; the median of
//	       what followed the nearest 4, and their mean distance from it; the same of the
//	       nearest 12; how far off the nearest is
//	12-17  the same of moments like the last three steps, whatever the level
//	18-20  like the current value: the median of what followed the nearest 8, their
//	       mean distance from it, how far off the nearest is
//	21-23  like the last five readings: the same of the nearest 4
//	24-27  mean absolute errors of 7, 13, 18 and 21 as forecasts, like 3 and 4
//
// 0 to 2, distances and what followed are in the signal's own measure, shares or bytes;
// what followed is less the current value, or, of steps, the step. Means are over the
// last 64 intervals or so: each interval weighs 1/64 less than the one after it.
// PROTOCOL.md, section 16, has it to the letter.
//
// State stays with the client: the model is a pure function of the request.
package loads
