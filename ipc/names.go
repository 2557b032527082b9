package ipc

import "unsafe"

// Names is storage for the components' names of requests that are answered and then
// forgotten: reading a name allocates nothing, however many different ones there are.
// A name in it is good until Reset; who keeps the request beyond that keeps a Copy.
// The zero value is ready. One goroutine at a time may use it.
type Names struct{ b []byte }

// Reset forgets all names.
func (n *Names) Reset() { n.b = n.b[:0] }

// hold gives b as a string. When the storage grows, names held before stay where they
// were; nothing is written there until Reset, nor after it.
func (n *Names) hold(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	at := len(n.b)
	n.b = append(n.b, b...)
	return unsafe.String(&n.b[at], len(b))
}
