package mlclient

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/mlbridge/mlbridge/ipc"
)

// State is the state of the connection to the bridge.
type State int32

// The states. A client that was closed is Down for good.
const (
	Down State = iota // no connection; attempts are being made
	Up                // connected, calls are taken
)

// String gives the name used in reports.
func (s State) String() string {
	if s == Up {
		return "up"
	}
	return "down"
}

// ErrHung is why a connection was dropped on which the bridge answered nothing.
var ErrHung = errors.New("mlclient: the bridge does not answer")

// ErrDown says that there is no connection to the bridge at the moment.
var ErrDown = errors.New("mlclient: no connection to the bridge")

// link keeps a connection to the bridge. Its goroutine dials; users take the
// current connection and report how their calls on it went.
type link struct {
	cfg     *Config
	current atomic.Pointer[conn] // nil while down

	mu      sync.Mutex
	arrival chan struct{} // closed, and replaced, whenever the link comes up

	old sync.WaitGroup // draining connections that are seen off

	connects, failures, hangs atomic.Uint64
}

// conn is a connection with what is known about it.
type conn struct {
	*ipc.Client
	since   ipc.Instant   // when it was made
	missed  atomic.Int64  // Instant of the first unanswered call since anything was heard, 0 for none
	leaving chan struct{} // closed when no new calls may go there
	left    atomic.Bool
	cause   error // why, set before leaving is closed
}

// retire takes the connection out of use, once.
func (l *link) retire(c *conn, cause error) bool {
	if !c.left.CompareAndSwap(false, true) {
		return false
	}
	l.current.CompareAndSwap(c, nil)
	c.cause = cause
	close(c.leaving)
	return true
}

func (l *link) up() bool { return l.current.Load() != nil }

func (l *link) client() *ipc.Client {
	if c := l.current.Load(); c != nil {
		return c.Client
	}
	return nil
}

// report tells how a call that began at began went. A bridge that answered
// nothing and sent nothing for a while hangs: better no connection, and rules at
// once, than budgets spent on it.
func (l *link) report(client *ipc.Client, began ipc.Instant, err error, replies []ipc.Reply) {
	c := l.current.Load()
	if c == nil || c.Client != client {
		return
	}
	if !unanswered(err, replies) || client.Heard() >= began {
		if err == nil {
			c.missed.Store(0)
		}
		return
	}
	// The count begins anew behind whatever was heard since, a late answer for instance.
	first := c.missed.Load()
	if first == 0 || client.Heard() >= ipc.Instant(first) {
		c.missed.CompareAndSwap(first, int64(began))
		return
	}
	if ipc.Now().Sub(ipc.Instant(first)) > l.cfg.Hung && l.retire(c, ErrHung) {
		l.hangs.Add(1)
	}
}

// unanswered reports whether a call had no answer in time or, so much is unanswered already,
// was not sent: a refusal like that of the bridge's own is heard.
func unanswered(err error, replies []ipc.Reply) bool {
	if refused, ok := err.(*ipc.StatusError); ok {
		return refused.Status == ipc.StatusOverloaded
	}
	return err == nil && len(replies) > 0 && replies[0].Status == ipc.StatusDeadlineExceeded
}

// run connects, waits for the connection's end, and connects again, until ctx ends.
func (l *link) run(ctx context.Context) {
	defer l.old.Wait()
	retry, hasty := l.backoff(), false
	for ctx.Err() == nil {
		c, err := l.connect(ctx)
		if err != nil {
			l.failures.Add(1)
			l.pause(ctx, retry.NextBackOff())
			continue
		}
		l.cfg.OnState(Up, nil)
		l.serve(ctx, c)
		l.cfg.OnState(Down, c.cause)
		// A connection that worked says that the bridge was restarted: try at once. One that
		// never answered may be torn down as fast as it is made, and so may one that did, by a
		// bridge that dies of its first question: such a one is followed up at once only once.
		lasted := ipc.Now().Sub(c.since) >= l.cfg.RetryMax
		if lasted || c.Answered() && !hasty {
			retry.Reset()
			hasty = !lasted
		} else {
			l.pause(ctx, retry.NextBackOff())
		}
	}
}

// backoff sets every field: the library's defaults wait half a second and give up
// after a quarter of an hour.
func (l *link) backoff() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     l.cfg.RetryMin,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         l.cfg.RetryMax,
		MaxElapsedTime:      0, // never
		Stop:                backoff.Stop,
		Clock:               backoff.SystemClock,
	}
	b.Reset()
	return b
}

func (l *link) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (l *link) connect(ctx context.Context) (*conn, error) {
	c := &conn{leaving: make(chan struct{})}
	client, err := l.cfg.Dial(ctx, ipc.ClientConfig{
		Name: l.cfg.Name, Handshake: l.cfg.Handshake,
		OnGoAway: func(string) { l.retire(c, ipc.ErrDraining) },
	})
	if err != nil {
		return nil, err
	}
	c.Client, c.since = client, ipc.Now()
	l.connects.Add(1)
	if !c.left.Load() {
		l.current.Store(c)
	}
	if c.left.Load() { // a goaway came in between
		l.current.CompareAndSwap(c, nil)
	}
	l.mu.Lock()
	close(l.arrival)
	l.arrival = make(chan struct{})
	l.mu.Unlock()
	return c, nil
}

func (l *link) arriving() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.arrival
}

// drainTime is how long a bridge that said goaway may take to answer the calls in
// flight; its own limit for that is shorter.
const drainTime = 15 * time.Second

// serve waits until the connection is of no more use. After a goaway the calls in
// flight finish on it while the next one is made.
func (l *link) serve(ctx context.Context, c *conn) {
	select {
	case <-ctx.Done():
		l.retire(c, ctx.Err())
	case <-c.Done():
		l.retire(c, c.Err())
	case <-c.leaving:
	}
	<-c.leaving
	if !errors.Is(c.cause, ipc.ErrDraining) {
		_ = c.Close()
		return
	}
	l.old.Go(func() {
		select {
		case <-c.Done():
		case <-ctx.Done():
		case <-time.After(drainTime):
		}
		_ = c.Close()
	})
}
