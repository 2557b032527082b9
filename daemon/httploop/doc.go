// Package httploop answers on event loops what ml-bridge asks mld, and nothing else.
//
// A connection starts here. As long as every request on it is a plain one that a loop
// can answer (see Call), it stays: one read, one answer, one write. The first that is
// anything else, by a path, a method, a field or a byte that is not known, takes the
// connection off its loop and, with what was read of it, to the HTTP library, for good.
// So do a request that is late or cut off, and a server that shuts down. The whole
// contract of HTTP and its hardening therefore stay where they were, and what is here
// has only to be sure of what it takes: it never answers what it would refuse.
//
// It is worth a package because of what the library, or rather a goroutine for each
// connection, costs a call of a few microseconds: parsing that is right for everybody,
// a turn of the scheduler, a read that finds nothing and a poll that finds nothing. And
// Go's netpoller watches every descriptor for room to write as well, so that mld was
// woken once more per call for nothing, when ml-bridge had taken the answer.
//
// Measured on one core with a C client, ml-bridge and mld on a Unix socket, in turn with
// the library, six times each: p50 3.6 to 4.5 times the C floor (median 4.0) against
// 4.7 to 5.9 (4.9), 26 to 32 µs of CPU a call for all processes (29) against 26 to 38
// (36); with the Go client and mld on TCP 5.5 times the floor against 6.2. On two cores,
// twice each: 64 connections 10 to 11 µs of CPU a call against 13 to 15, throughput the
// same; 64 calls in flight on one 221,000 to 228,000 a second against 137,000 to
// 169,000. A call makes three system calls: epoll_pwait, read, write.
//
// What a peer may cost is bounded: a head of 2 KiB that comes in one piece, a body of
// 512 KiB whose storage grows with what arrived, 64 KiB and one answer that wait to be
// taken, during which nothing is read; and a time for each of these. A connection that
// waits for nothing holds no buffer.
//
// Models run on the loop. One that does not return would hold up the loop's other
// connections, which is why the registry tries models before it takes them.
package httploop
