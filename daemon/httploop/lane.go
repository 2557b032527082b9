package httploop

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// Backend is whom the lanes answer for. Its methods run on the loops.
type Backend interface {
	// Answer sends the call's answer to r, once. When it is not sure of the call it
	// reports false and has done nothing: the connection is then handed over.
	Answer(c *Call, r *Reply) bool
	// HandOver takes a connection over, for good.
	HandOver(h Handover)
	// Closed is told of a connection's end.
	Closed()
}

// Handover is a connection that leaves its loop, everything that was answered having
// been sent.
type Handover struct {
	FD        int       // non-blocking, its receiver's to close
	Ahead     []byte    // what was read of it and is not answered
	Due       time.Time // when the request under way, or the first, must be there; zero when there is none
	Guarded   bool      // as it was added
	Pipelines bool      // the peer has once sent a call before it had the last answer
}

// Limits are how patient the loops are with connections, all positive, and how much
// the loops may take of the process.
type Limits struct {
	Read  time.Duration // from a request's first byte to its last
	Write time.Duration // for the peer to take its answers
	Idle  time.Duration // without a request

	// Dedicated lets a loop keep a processor while requests come briskly, at the expense
	// of other goroutines (eventloop.Loop.Dedicate).
	Dedicated bool
	BusyPoll  time.Duration // how long it then polls at most before it sleeps
}

// Lanes are several loops over which connections are spread. There may be none: a nil
// *Lanes can be released and closed.
type Lanes struct {
	lanes   []*lane
	next    atomic.Uint32
	running sync.WaitGroup
}

// lane is one loop and its connections. Everything in it belongs to the loop.
type lane struct {
	loop    *eventloop.Loop
	now     func() int64
	backend Backend
	limits  Limits

	conns    map[*conn]struct{}
	buf      []byte // what a read fills; an idle connection holds none
	call     Call
	reply    Reply
	spare    []byte // storage for a body that comes in parts
	released bool   // connections are handed over when they have nothing to write
}

// readSize is a read's at most: more than most batches.
const readSize = 64 << 10

// Start runs n loops that answer for backend, which calls itself name in answers.
func Start(n int, name string, backend Backend, limits Limits) (*Lanes, error) {
	epoch := time.Now()
	now := func() int64 { return int64(time.Since(epoch)) + 1 }
	ls := new(Lanes)
	for range n {
		loop, err := eventloop.New(now)
		if err != nil {
			ls.Close()
			return nil, fmt.Errorf("httploop: %w", err)
		}
		if limits.Dedicated {
			loop.Dedicate(limits.BusyPoll)
		}
		l := newLane(loop, now, name, backend, limits)
		ls.lanes = append(ls.lanes, l)
		// A loop that is closed before it runs forgets what was posted to it, which may
		// be connections: so all run when they are given out.
		runs := make(chan struct{})
		loop.Post(func() { close(runs) })
		ls.running.Go(l.run)
		<-runs
	}
	return ls, nil
}

func newLane(loop *eventloop.Loop, now func() int64, name string, backend Backend, limits Limits) *lane {
	return &lane{
		loop: loop, now: now, backend: backend, limits: limits,
		conns: make(map[*conn]struct{}), buf: make([]byte, readSize), reply: Reply{server: name},
	}
}

// run serves until the loop is closed. Where epoll fails for any other reason there is
// nothing to go on with: Go's own poller throws then.
func (l *lane) run() {
	if err := l.loop.Run(); !errors.Is(err, eventloop.ErrClosed) {
		panic(err)
	}
}

// Add takes a connection in, to the next loop in turn. guarded is passed on with its
// calls. When it reports false the descriptor, which must be non-blocking, is still the
// caller's; otherwise it ends with HandOver or Closed.
func (ls *Lanes) Add(fd int, guarded bool) bool {
	l := ls.lanes[int(ls.next.Add(1)-1)%len(ls.lanes)]
	return l.loop.Post(func() { l.add(fd, guarded) })
}

func (l *lane) add(fd int, guarded bool) {
	c := &conn{lane: l, fd: fd, guarded: guarded}
	c.timer.Fire = c.late
	l.conns[c] = struct{}{}
	c.expect(l.now() + int64(l.limits.Read))
	if err := l.loop.Watch(fd, eventloop.Readable, c); err != nil || l.released {
		c.leave(nil)
	}
}

// Release hands every connection over as soon as it has nothing to write, and those
// that are added later.
func (ls *Lanes) Release() {
	if ls == nil {
		return
	}
	for _, l := range ls.lanes {
		l.loop.Post(l.release)
	}
}

func (l *lane) release() {
	l.released = true
	for c := range l.conns {
		if len(c.out) == 0 {
			c.leave(c.in)
		}
	}
}

// Close closes all connections and waits for the loops to end.
func (ls *Lanes) Close() {
	if ls == nil {
		return
	}
	for _, l := range ls.lanes {
		l.loop.Post(l.closeAll)
		l.loop.Close()
	}
	ls.running.Wait()
}

// closeAll closes every connection. One that comes behind it, before the loop is closed, is
// handed over.
func (l *lane) closeAll() {
	l.released = true
	for c := range l.conns {
		c.close()
	}
}
