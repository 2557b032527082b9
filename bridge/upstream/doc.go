// Package upstream carries calls from the bridge to a daemon over HTTP/1.1.
//
// There are two transports behind one small interface, Conn. The one used by
// default is a minimal client of our own that lives on the bridge's event loop: one
// write and one read a call, no goroutine, no wake-up of another thread. It speaks
// just what is needed to ask a daemon, over TCP or a Unix socket, and refuses
// everything else. The other is net/http, for https and for whoever prefers the
// library; it costs about three times as much per call. Both pass the same tests.
//
// A Conn carries one exchange at a time. Concurrency comes from batches, not from
// connections: what arrives while a call is out leaves together as the next.
package upstream
