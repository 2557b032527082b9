package ipc

import (
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/mlbridge/mlbridge/ipc/busypoll"
	"github.com/mlbridge/mlbridge/ipc/rawio"
	"golang.org/x/sys/unix"
)

const (
	clientReadBuf = 16 << 10
	// keptIn is the most that the read buffer keeps after a large frame.
	keptIn = 256 << 10
)

// inbox is what came and is not handled yet. It belongs to whoever reads: the reader's
// goroutine, or a caller that leads.
type inbox struct {
	c       *Client
	buf     []byte
	timed   bool                  // a started frame lies in buf
	frameBy time.Time             // and this is its read deadline; else zero
	err     error                 // why reading is over
	now     Instant               // when the latest bytes were read
	landed  []*clientCall         // answered by the latest bytes, not woken yet
	queued  bool                  // calls that waited for a place have been queued
	turn    func(fd uintptr) bool // ready, made once: a method value is an allocation
	own     *clientCall           // of the caller that leads, nil for the reader
	solo    int                   // answers in a row to calls that were alone
	window  busypoll.Window       // how long it looks again before it sleeps
	waiting bool                  // it has looked, and nothing has come since
	polls   bool                  // the caller that leads may look again
	pollers int32                 // so many callers of the process may at a time
	alone   bool                  // the process has one processor
	polled  uint32                // calls led
}

// readLoop takes frames from the server until the connection is over.
func (c *Client) readLoop(unread []byte) {
	in := &c.in
	in.c, in.turn, in.window = c, in.ready, busypoll.New(c.cfg.BusyPoll)
	in.alone, in.pollers = runtime.GOMAXPROCS(0) == 1, int32(max(1, runtime.GOMAXPROCS(0)/2))
	in.buf = make([]byte, len(unread), max(clientReadBuf, 2*len(unread)))
	copy(in.buf, unread)
	err := in.handle()
	if err == nil && c.raw == nil {
		err = in.readByConn()
	}
	for err == nil {
		c.left = false
		// One Read until there is reason to stop: a Read for every message would cost
		// its locks and its bookkeeping each time.
		err = c.raw.Read(in.turn)
		switch {
		case err != nil: // closed, or a frame's time is up
		case !c.left:
			err = in.err
		case !c.awaitTurn(): // and in is not ours any more
			return
		}
	}
	c.fail(c.readError(err))
}

// ready reads until there is nothing more and handles what came. It reports whether
// reading is over, for now or for good.
//
// It goes on until the kernel says EAGAIN, also after a read that did not fill the
// buffer: the poller tells of changes only, and when the server's last bytes and its
// hanging up are told of together, the end is seen by reading again or never. Who
// stops earlier leaves that to the next Read, which begins by reading.
func (in *inbox) ready(fd uintptr) (over bool) {
	for {
		n, err := rawio.Read(int(fd), in.room())
		switch {
		case err == nil && n > 0:
			err = in.came(n)
		case err == nil:
			err = io.EOF
		case err == unix.EAGAIN:
			if in.lookAgain() {
				continue
			}
			return in.own != nil && in.ended()
		case err == unix.EINTR:
			continue
		default:
			err = os.NewSyscallError("read", err)
		}
		if err != nil {
			in.err = err
			return true
		}
		if in.mayStop() {
			return true
		}
	}
}

// readByConn is ready for a connection without a descriptor.
func (in *inbox) readByConn() error {
	for {
		n, err := in.c.conn.Read(in.room())
		if n > 0 {
			err = in.came(n)
		}
		if err != nil {
			return err
		}
	}
}

func (in *inbox) room() []byte { return in.buf[len(in.buf):cap(in.buf)] }

// lookAgain is asked after a look that found nothing, and reports whether to look once
// more before sleeping. Only a caller that waits for its own answer does, and not beyond
// the time that it has: then it ends its call itself. One that has less left than it may
// look at most looks to the end, since an alarm would wake it tens of microseconds late.
func (in *inbox) lookAgain() bool {
	if in.own == nil || !in.polls {
		return false
	}
	now := Now()
	left := in.own.deadline.Sub(now)
	if left <= 0 {
		if in.c.giveUp(in.own) {
			in.own.finish(errExpired)
		}
		return false
	}
	var more bool
	if in.waiting {
		more = in.window.Again(int64(now))
	} else {
		in.waiting = true
		more = in.window.Start(int64(now))
	}
	if !more && (left > in.c.cfg.BusyPoll || in.window.Barred(int64(now))) {
		return false
	}
	rawio.Yield()
	return true
}

// ended reports whether the call of the caller that leads is over. Where it is not, that
// caller sleeps now and can be woken for the end of its time.
func (in *inbox) ended() bool {
	call := in.own
	if len(call.done) > 0 {
		return true
	}
	if call.unarmed {
		call.unarmed = false
		in.c.mu.Lock()
		in.c.armFor(call.deadline)
		in.c.mu.Unlock()
	}
	return false
}

// came handles n bytes that were read into room.
func (in *inbox) came(n int) error {
	now := Now()
	in.c.heard.Store(int64(now))
	in.now = now
	if in.waiting {
		in.waiting = false
		in.window.End(int64(now))
	}
	in.buf = in.buf[:len(in.buf)+n]
	return in.handle()
}

// handle takes the whole frames out of the buffer and makes room for more.
func (in *inbox) handle() error {
	rest, need, err := in.consume(in.buf)
	in.countSolo()
	in.c.wake(in.landed, in.queued)
	in.landed, in.queued = in.landed[:0], false
	if err != nil {
		return err
	}
	// A frame's time runs from its first byte; a byte a second does not extend it.
	if started := len(rest) > 0; started != in.timed || started && len(rest) < len(in.buf) {
		if err := in.timeFrame(started); err != nil {
			return err
		}
	}
	in.buf = makeRoom(in.buf, rest, need)
	return nil
}

func (in *inbox) timeFrame(started bool) error {
	in.timed, in.frameBy = started, time.Time{}
	if started {
		in.frameBy = time.Now().Add(in.c.cfg.FrameIn)
	}
	return in.c.conn.SetReadDeadline(in.frameBy)
}

func (c *Client) readError(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return faultf(FaultFrameSlow, "a started frame was not complete after %v", c.cfg.FrameIn)
	case errors.Is(err, io.EOF) && c.leaving:
		return ErrDraining
	}
	return err
}

// makeRoom moves rest, the start of a frame, to the front of a buffer with room
// for more. It grows with the bytes that came, not with what a header announces.
func makeRoom(buf, rest []byte, need int) []byte {
	switch {
	case len(rest) == 0 && cap(buf) > keptIn:
		return make([]byte, 0, clientReadBuf)
	case len(rest) < cap(buf)/2 || need <= cap(buf) && len(rest) < cap(buf):
		return buf[:copy(buf[:cap(buf)], rest)]
	}
	return append(make([]byte, 0, 2*cap(buf)), rest...)
}

// consume handles the whole frames in b and returns the start of the next, with
// the bytes it needs in all, as far as that is known.
func (in *inbox) consume(b []byte) (rest []byte, need int, err error) {
	for {
		payload, rest, need, err := nextFrame(b, in.c.cfg.MaxFrame)
		if err != nil || payload == nil {
			return rest, need, err
		}
		if err := in.message(payload); err != nil {
			return nil, 0, err
		}
		b = rest
	}
}
