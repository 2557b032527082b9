package ipc

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mlbridge/mlbridge/ipc/busypoll"
	"github.com/mlbridge/mlbridge/ipc/freelist"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// ClientConfig says how a Client behaves. Zero fields take the defaults given with
// them.
type ClientConfig struct {
	Name        string        // announced in the hello; at most MaxNameBytes count
	Handshake   time.Duration // time for connecting and both hellos; 5 s
	MaxFrame    int           // payload bytes accepted in one frame; 1 MiB
	MaxInFlight int           // calls in flight, where the server would allow more; 1024, at most 65,536
	MaxWaiting  int           // calls that may wait for a place in flight; 4096
	MaxQueue    int           // bytes that may wait for the server to read; 4 MiB
	FrameIn     time.Duration // a started frame must be complete within this; 5 s
	// Margin is the part of a budget kept for the answer's way back: the server is
	// told that much less, and never less than three quarters of what is left. 100 µs.
	Margin time.Duration
	// BusyPoll is how long at most a caller that reads its own answer looks for it before
	// it sleeps (package busypoll); 100 µs, negative: not at all.
	BusyPoll time.Duration
	// OnGoAway is told when the server drains. It and OnNotice run on a goroutine of the
	// client's or on that of a caller of Predict; they must not block.
	OnGoAway func(text string)
	// OnNotice is told what the server says about the connection without ending it,
	// such as an outcome that it left out.
	OnNotice func(error)
}

const maxClientInFlight = 1 << 16

func (c *ClientConfig) setDefaults() {
	limits := DefaultLimits()
	setDefault(&c.Handshake, 5*time.Second)
	setDefault(&c.MaxFrame, limits.Frame)
	setDefault(&c.MaxInFlight, 1024)
	setDefault(&c.MaxWaiting, 4096)
	setDefault(&c.MaxQueue, 4<<20)
	setDefault(&c.FrameIn, limits.FrameIn)
	setDefault(&c.Margin, 100*time.Microsecond)
	setDefault(&c.BusyPoll, busypoll.DefaultMost)
	c.MaxInFlight = min(max(c.MaxInFlight, 1), maxClientInFlight)
	if c.OnGoAway == nil {
		c.OnGoAway = func(string) {}
	}
	if c.OnNotice == nil {
		c.OnNotice = func(error) {}
	}
}

// Client is one connection to a bridge with many calls in flight. It is a
// Predictor; any number of goroutines may use it.
//
// It does not reconnect: when the connection is over, calls get a *ConnError and
// Done is closed. mlclient builds on it what a kernel subsystem wants.
//
// Three goroutines belong to a client: one reads and completes calls, one waits
// for the earliest deadline, one writes what the socket would not take at once.
// Calls are written by their callers, and while they come one at a time their
// answers are read by them too.
type Client struct {
	cfg     ClientConfig
	conn    net.Conn
	raw     syscall.RawConn // nil for a connection without a descriptor
	hello   hello           // the server's
	timer   alarm
	models  interner // these two belong to who is reading
	leaving bool     // a goaway came

	mu       sync.Mutex // guards all below, up to the blank line
	flights  []flight   // by the low bits of a call's id
	free     []uint32   // indexes of flights that no call uses
	waiting  []*clientCall
	records  freelist.List[clientCall]
	armed    Instant // what the timer is set to, 0 when it is not
	out      []byte  // frames to be written
	spare    []byte  // storage for the next out
	convoy   convoy
	turns    turns
	writing  bool   // somebody writes: a caller, or the flusher
	inWrite  bool   // and is in the system call just now
	queued   uint64 // bytes that were ever put into out
	taken    uint64 // of these, what the socket took
	draining bool
	err      error // why the connection is over

	rest    []byte        // what the flusher writes first; belongs to who is writing
	kick    chan struct{} // hands the writing to the flusher; never closed
	handed  chan struct{} // hands the reading to the reader's goroutine; never closed
	in      inbox         // belongs to who is reading
	left    bool          // the reader's goroutine has given up its turn; its own
	done    chan struct{} // closed by fail
	tasks   sync.WaitGroup
	heard   atomic.Int64 // Instant of the latest bytes from the server
	replied atomic.Bool  // the server answered a call
	rawTurn rawWrite     // belongs to who is writing
}

// Dial connects to the bridge's Unix socket at path and exchanges hellos. The
// error is a *ConnError with Op "dial" or "hello"; it wraps a *StatusError when
// the server refused and a *ProtocolError when it spoke something else.
func Dial(ctx context.Context, path string, cfg ClientConfig) (*Client, error) {
	cfg.setDefaults()
	ctx, cancel := context.WithTimeout(ctx, cfg.Handshake)
	defer cancel()
	if err := CheckSocketPath(path); err != nil {
		return nil, &ConnError{Op: "dial", Err: err}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, &ConnError{Op: "dial", Err: err}
	}
	return NewClient(ctx, conn, cfg)
}

// NewClient exchanges hellos over conn, which it owns from then on, also when it
// fails. A connection without a descriptor, such as net.Pipe, works too, with Go's
// timers for deadlines: good enough for tests.
func NewClient(ctx context.Context, conn net.Conn, cfg ClientConfig) (*Client, error) {
	cfg.setDefaults()
	c := &Client{cfg: cfg, conn: rawio.Quiet(conn), kick: make(chan struct{}, 1), handed: make(chan struct{}, 1), done: make(chan struct{})}
	unread, err := c.handshake(ctx)
	if err == nil {
		err = c.openTimer()
	}
	if err != nil {
		_ = c.conn.Close()
		return nil, &ConnError{Op: "hello", Err: err}
	}
	n := min(c.hello.limits.InFlight, cfg.MaxInFlight)
	c.flights = make([]flight, n)
	c.free = make([]uint32, n)
	for i := range n {
		c.flights[i].id = uint64(i)
		c.free[n-1-i] = uint32(i)
	}
	c.tasks.Go(func() { c.readLoop(unread) })
	c.tasks.Go(c.flushLoop)
	return c, nil
}

func (c *Client) openTimer() (err error) {
	if sc, ok := c.conn.(syscall.Conn); ok {
		if c.raw, err = sc.SyscallConn(); err != nil {
			return err
		}
		c.rawTurn.bind()
		c.timer, err = newTimerfd(c.expire)
		return err
	}
	c.timer = newGoTimer(c.expire)
	return nil
}

// ServerName is the name in the server's hello.
func (c *Client) ServerName() string { return c.hello.name }

// Limits are the limits in the server's hello: Frame, Batch, InFlight and Budget.
func (c *Client) Limits() Limits { return c.hello.limits }

// Heard is when the latest bytes came from the server, its hello at first: calls
// that are older and unanswered mean that it hangs.
func (c *Client) Heard() Instant { return Instant(c.heard.Load()) }

// Answered reports whether the server has answered a call, be it too late for its
// caller. When Close has returned it does not change any more.
func (c *Client) Answered() bool { return c.replied.Load() }

// Done is closed when the connection is over; Err then says why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the connection is over, nil while it is not. After Close it is
// ErrClosed.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection. Calls in flight get a *ConnError. It returns when
// all of the client's goroutines have ended.
func (c *Client) Close() error {
	c.fail(ErrClosed)
	c.tasks.Wait()
	c.timer.close()
	return nil
}

// fail ends the connection once; the first cause counts. Whoever waits is told.
func (c *Client) fail(cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = cause
	c.endFlights()
	unsent := &ConnError{Op: "write", Err: cause}
	for _, call := range c.waiting {
		call.finish(unsent)
	}
	c.waiting = nil
	c.out, c.spare = nil, nil
	c.mu.Unlock()
	_ = c.conn.Close()
	c.timer.stop()
	close(c.done)
}

// endFlights tells the calls in flight that the connection is over, and whether
// their frames may have been seen. Those that are being written just now are left
// to who is writing them: only it will know. c.mu is held.
func (c *Client) endFlights() {
	sent := &ConnError{Op: "read", Sent: true, Err: c.err}
	unsent := &ConnError{Op: "write", Err: c.err}
	for i := range c.flights {
		f := &c.flights[i]
		switch {
		case f.call == nil:
			continue
		case f.from < c.taken:
			f.call.finish(sent)
		case c.inWrite:
			continue
		default:
			f.call.finish(unsent)
		}
		f.call = nil
	}
}

// checkBatch refuses what must not be sent at all.
func (c *Client) checkBatch(reqs, replies int) error {
	switch {
	case reqs != replies:
		return invalidf("%d requests and room for %d replies", reqs, replies)
	case reqs > c.hello.limits.Batch:
		return invalidf("%d requests, the server takes at most %d", reqs, c.hello.limits.Batch)
	}
	return nil
}
