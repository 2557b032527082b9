package ipc

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// Who waits for an answer can as well read it. While one call at a time is in flight,
// its caller reads: the poller wakes it and nobody else. With the reader's goroutine
// in between, the scheduler would wake that, and that would wake the caller, and with
// a second processor idle each such step wakes a thread there that looks for work.
//
// So reading is a turn, which one goroutine has or nobody, and which is passed on
// under Client.mu:
//
//   - The reader's goroutine has it at first, and whenever more than one call is in
//     flight or the caller's context can be cancelled, for which a caller that reads
//     would not wake up.
//   - It gives it up after soloEnough answers to calls that were alone. Then nobody
//     has it, and the next call's caller takes it: it leads.
//   - A caller that leads gives it up with its own answer: to nobody, or to the
//     reader's goroutine when other calls are in flight or a frame has been started.
//   - Nobody has it only while nobody waits for an answer, and for unwatched at most:
//     then the alarm, which is set, gives it to the reader's goroutine, so that an idle
//     connection hears its server.
//
// A caller that leads and whose time is up is woken by a read deadline in the past,
// set after its call has been finished; it sets the deadline right again when it
// passes on the turn.
type turns struct {
	state       turn
	leader      *clientCall // who leads
	interrupted bool        // the read deadline was moved to wake the leader
}

type turn uint8

const (
	turnReader turn = iota // the reader's goroutine
	turnLeader             // a caller
	turnNobody
)

const (
	unwatched  = 10 * time.Millisecond
	soloEnough = 4
)

// takeTurn sees to it that somebody reads while call is in flight: call's own caller
// if nobody does yet and it can. c.mu is held.
func (c *Client) takeTurn(call *clientCall) {
	switch {
	case c.turns.state != turnNobody:
	case call.canLead:
		c.turns.state, c.turns.leader, call.leads = turnLeader, call, true
	default:
		c.giveTurn()
	}
}

// giveTurn lets the reader's goroutine read. c.mu is held; the caller has the turn,
// or nobody has.
func (c *Client) giveTurn() {
	c.turns.state, c.turns.leader = turnReader, nil
	c.handed <- struct{}{} // has room: the reader takes one before it gives the turn up
}

// awaitTurn waits until the reader's goroutine may read again, and reports whether
// there is anything left to read.
func (c *Client) awaitTurn() bool {
	select {
	case <-c.handed:
		return true
	case <-c.done:
		return false
	}
}

// A caller that polls keeps its processor from one call to the next, and Go's scheduler
// takes it away only after 10 ms. So callers poll only while no more of them wait, over
// all clients of the process, than half of its processors; and where there is only one,
// who asks without pause lets others run now and then. (With more there are others to run
// them, and a Gosched would wake one to take this goroutine along: cold calls took twice
// as long.)
var leaders atomic.Int32

const pollsInARow = 64

// lead reads until call has ended.
func (c *Client) lead(call *clientCall) {
	in := &c.in
	in.own, in.waiting = call, false // the one before may have given up waiting
	in.polls = leaders.Add(1) <= in.pollers
	if in.polls && in.window.Open() {
		rawio.Yield() // on a shared processor the answer cannot be there before
	}
	err := c.raw.Read(in.turn)
	leaders.Add(-1)
	in.own = nil
	if in.polled++; in.alone && in.polled%pollsInARow == 0 {
		runtime.Gosched()
	}
	if err != nil && len(call.done) > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		return // woken; a frame that was due as well is found so by the reader
	}
	if err == nil {
		err = in.err
	}
	if err != nil {
		c.fail(c.readError(err))
	}
}

// endLead passes on the turn of the caller that leads. c.mu is held.
func (c *Client) endLead() {
	in := &c.in
	if c.turns.interrupted {
		c.turns.interrupted = false
		_ = c.conn.SetReadDeadline(in.frameBy) // fails only when the connection is over
	}
	in.solo = soloEnough
	if c.err == nil && !c.leaveTurn() {
		in.solo = 0
		c.giveTurn()
	}
}

// leaveTurn lets nobody read, if that is all right. c.mu is held.
func (c *Client) leaveTurn() bool {
	if c.awaited() || c.in.timed || c.err != nil {
		return false
	}
	c.turns.state, c.turns.leader = turnNobody, nil
	c.armFor(c.watchBy())
	return true
}

// awaited reports whether anybody waits for an answer; those to calls that were given up
// are read by who reads next. c.mu is held.
func (c *Client) awaited() bool {
	if len(c.free) == len(c.flights) {
		return false
	}
	for i := range c.flights {
		if c.flights[i].call != nil {
			return true
		}
	}
	return len(c.waiting) > 0
}

// watchBy is when the reader's goroutine has to take a turn that nobody took.
func (c *Client) watchBy() Instant { return c.Heard().Add(unwatched) }

// interrupt wakes the caller that leads if call, which has been finished, is its own.
// c.mu is held.
func (c *Client) interrupt(call *clientCall) {
	if call == c.turns.leader {
		c.turns.interrupted = true
		_ = c.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// mayStop reports whether who reads leaves off: a caller that leads with its answer,
// the reader's goroutine when calls come one at a time.
func (in *inbox) mayStop() bool {
	if in.own != nil {
		return len(in.own.done) > 0
	}
	if in.solo < soloEnough {
		return false
	}
	in.c.mu.Lock()
	defer in.c.mu.Unlock()
	in.c.left = in.c.leaveTurn()
	return in.c.left
}

// countSolo looks at what the latest bytes answered, before anybody is woken.
func (in *inbox) countSolo() {
	switch {
	case len(in.landed) == 1 && in.landed[0].canLead:
		in.solo++
	default:
		in.solo = 0
	}
}
