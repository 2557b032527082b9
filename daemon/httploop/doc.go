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
// What a peer may cost is bounded: a head of 2 KiB that comes in one piece, a body of
// 512 KiB whose storage grows with what arrived, 64 KiB and one answer that wait to be
// taken, during which nothing is read; and a time for each of these. A connection that
// waits for nothing holds no buffer.
//
// Models run on the loop. One that does not return would hold up the loop's other
// connections, which is why the registry tries models before it takes them.
package httploop
