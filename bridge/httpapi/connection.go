package httpapi

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// connections bounds how many are open. A new one always gets in as long as some
// other is idle: the one idle the longest makes room, so that peers that only hold
// connections open cannot keep working ones out. When all are busy the new one is
// closed.
type connections struct {
	limit int

	mu      sync.Mutex
	open    map[net.Conn]*list.Element // nil while busy; else its place in idle
	idle    *list.List                 // of waiting, longest first
	closing bool                       // no new ones
}

// waiting is a connection that has no request under way.
type waiting struct {
	conn net.Conn
	used bool // it had a request before
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, open: make(map[net.Conn]*list.Element), idle: list.New()}
}

// changed is called by net/http at every change of a connection's state, in order
// for one connection. Closing inside of it is safe: the state of the closed
// connection changes later, on that connection's own goroutine.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if victim := c.update(conn, state); victim != nil {
		_ = victim.Close() // the peer may have closed it already
	}
}

// update notes the new state and returns the connection that has to go, if any.
func (c *connections) update(conn net.Conn, state http.ConnState) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		victim := c.makeRoom(conn)
		if victim != conn {
			c.open[conn] = c.idle.PushBack(waiting{conn: conn})
		}
		return victim
	case http.StateActive:
		if c.drop(conn) {
			c.open[conn] = nil
		}
	case http.StateIdle:
		if c.drop(conn) {
			c.open[conn] = c.idle.PushBack(waiting{conn: conn, used: true})
		}
	case http.StateClosed, http.StateHijacked:
		c.drop(conn)
	}
	return nil
}

// makeRoom picks who leaves for a new connection: nobody, the longest idle one, or
// the new one itself.
func (c *connections) makeRoom(conn net.Conn) net.Conn {
	if c.closing {
		return conn
	}
	if len(c.open) < c.limit {
		return nil
	}
	oldest := c.idle.Front()
	if oldest == nil {
		return conn
	}
	victim := oldest.Value.(waiting).conn
	c.drop(victim)
	return victim
}

// drop forgets a connection and reports whether it was known.
func (c *connections) drop(conn net.Conn) bool {
	place, ok := c.open[conn]
	if place != nil {
		c.idle.Remove(place)
	}
	delete(c.open, conn)
	return ok
}

// closeUnused closes the connections that never carried a request, and from then
// on every new one.
func (c *connections) closeUnused() {
	c.mu.Lock()
	c.closing = true
	var unused []net.Conn
	for e := c.idle.Front(); e != nil; e = e.Next() {
		if w := e.Value.(waiting); !w.used {
			unused = append(unused, w.conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range unused {
		_ = conn.Close()
	}
}
