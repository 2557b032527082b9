package upstream

import "testing"

// A connection that is idle keeps no more than it needs again and again.
func TestIdleConnectionsKeepLittle(t *testing.T) {
	buffer := func(n int) []byte { return make([]byte, 0, n) }
	for _, n := range []int{keptBytes, keptBytes + 1} {
		for busy, x := range map[bool]*Exchange{false: nil, true: new(Exchange)} {
			c := loopConn{x: x, in: buffer(n), out: buffer(n)}
			c.answer.body = buffer(n)
			c.trim()
			kept := n <= keptBytes || busy
			if (c.in != nil) != kept || (c.out != nil) != kept || (c.answer.body != nil) != kept {
				t.Errorf("of buffers of %d bytes, busy %v: %d, %d and %d are kept", n, busy, cap(c.in), cap(c.out), cap(c.answer.body))
			}
		}
	}
}
