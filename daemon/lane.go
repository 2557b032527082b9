package daemon

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/httploop"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rawio"
	"golang.org/x/sys/unix"
)

// DefaultLoops is how many event loops answer plain predictions when nothing is
// configured: one processor is left to the rest of the process, which is connections
// that the library serves, reloads and the garbage collector; and four loops answer
// more than one socket's clients can ask.
func DefaultLoops() int { return min(4, max(1, runtime.GOMAXPROCS(0)-1)) }

// pollTime is for how long a loop polls with so many processors. On a single one, which the
// caller and the bridge poll on, too, a third that does is in their way: a cold call takes
// 14 µs there instead of 12. With two it takes 15, where without polling two calls of five
// took 40.
func pollTime(most time.Duration, processors int) time.Duration {
	if processors == 1 {
		return 0
	}
	return most
}

// laneRoute is a route that is answered on the loops.
type laneRoute struct {
	id    int
	kind  ipc.Kind
	batch bool
}

func (s *Server) makeLaneRoutes() map[string]laneRoute {
	m := make(map[string]laneRoute)
	for _, k := range ipc.Kinds {
		for _, batch := range []bool{false, true} {
			path := api.PredictPath(k, batch)
			m[path] = laneRoute{s.routes[path].id, k, batch}
		}
	}
	return m
}

// startLanes starts the loops with the first listener. s.mu is held.
func (s *Server) startLanes() (err error) {
	if s.lanes != nil || s.opts.Loops < 0 {
		return nil
	}
	s.lanes, err = httploop.Start(s.opts.Loops, serverName, (*laneBackend)(s), httploop.Limits{
		Read: s.opts.ReadTimeout, Write: s.opts.WriteTimeout, Idle: s.opts.IdleTimeout,
		Dedicated: s.opts.Dedicated, BusyPoll: pollTime(s.opts.BusyPoll, runtime.GOMAXPROCS(0)),
	})
	return err
}

// toLane moves a connection that s.onLane counts to a loop. It reports false where
// that cannot be done, and nc is as it was.
func (s *Server) toLane(nc net.Conn, guard bool) bool {
	fd, err := rawio.Detach(nc)
	if err != nil {
		return false
	}
	nc.Close()
	if !s.lanes.Add(fd, guard) { // the server was closed meanwhile
		unix.Close(fd)
		(*laneBackend)(s).Closed()
	}
	return true
}

// attach is the way back. The descriptor is taken, whatever the result.
func attach(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	return net.FileConn(f) // a duplicate
}

// laneBackend is the Server as the loops see it.
type laneBackend Server

// Answer answers a prediction as predict does, or leaves it to it.
func (b *laneBackend) Answer(c *httploop.Call, r *httploop.Reply) bool {
	s := (*Server)(b)
	route, found := s.lane[string(c.Path)]
	format, typed := api.ParseContentType(c.ContentType)
	if !found || !typed || c.Guarded && !s.hostAllowed(c.Host) {
		return false
	}
	w := s.pools[route.kind].Get().(*work)
	w.call.Batch = route.batch
	own := w.body
	w.body = c.Body
	w.trace = ipc.Trace{}
	if len(c.Traceparent) > 0 {
		w.trace = ipc.ParseTraceparent(string(c.Traceparent))
	}
	err := s.askSafely(w, format)
	w.body = own

	status, contentType, body := 200, format.ContentType(), w.out
	if err != nil {
		status, contentType = api.HTTPStatus(api.ErrorStatus(err)), api.JSON.ContentType()
		body = api.AppendError(nil, api.ErrorText(err))
	}
	// One that pipelines may have sent more by now, which closing would throw away.
	closing := c.Alone && (s.draining.Load() || status >= 400 && len(c.Body) > maxLeft)
	r.Send(status, contentType, body, closing)
	s.counts.add(route.id, status)
	if err != errPanic {
		s.pools[route.kind].Put(w)
	}
	return true
}

// errPanic is what a call whose model panicked is answered with.
var errPanic = &ipc.StatusError{Status: ipc.StatusInternal, Text: internalError}

// askSafely is ask where a panic is an error.
func (s *Server) askSafely(w *work, format api.Format) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.panics.Add(1)
			s.opts.OnPanic(v, debug.Stack())
			err = errPanic
		}
	}()
	return s.ask(w, format)
}

// HandOver lets the library serve a connection that came from a loop.
func (b *laneBackend) HandOver(h httploop.Handover) {
	s := (*Server)(b)
	nc, err := attach(h.FD)
	if err != nil { // out of descriptors
		b.Closed()
		return
	}
	c := newConn(nc, h.Guarded)
	c.ahead, c.due, c.pipelines = h.Ahead, h.Due, h.Pipelines
	c.idle.Store(len(h.Ahead) == 0)
	s.mu.Lock()
	s.onLane--
	s.take(c)
}

// Closed is told of the end of a connection on a loop.
func (b *laneBackend) Closed() {
	b.mu.Lock()
	b.onLane--
	b.mu.Unlock()
}
