package bridge

import (
	"errors"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// Config says how a Bridge answers. Zero fields take the defaults given with them.
type Config struct {
	Upstream upstream.Target // the daemon
	// Failover are further daemons. They are asked in this order while those before
	// them, Upstream first, do not answer.
	Failover []upstream.Target
	Library  bool // speak to them through net/http instead of the loop's own client
	// Host, when set, takes the daemon's place: it gives the connection for a kind to
	// an engine in this process. Upstream and Library are not used then.
	Host func(*eventloop.Loop, ipc.Kind) upstream.Conn

	Server ipc.ServerConfig // the socket's side

	// Dedicated says that the process is there for the bridge: its loop may keep a
	// processor while requests come briskly, at the expense of other goroutines.
	Dedicated bool
	BusyPoll  time.Duration // it then polls for so long at most before it sleeps (package busypoll); 0: not at all

	// TTL is how long an answer serves the same question; 100 ms. Where MaxTTL is longer,
	// that is how it begins: a subject's TTL then grows to MaxTTL, at most 1,024 × TTL,
	// while its answers stay the same to within Tolerance of their range, and shrinks to
	// TTL/16 while they change; answers are asked anew before they must be waited for.
	TTL, MaxTTL time.Duration
	Tolerance   float64       // 0.01
	StaleBound  time.Duration // an answer serves other questions about the subject for so long; 10 × TTL
	NegativeTTL time.Duration // a question that the model could not answer is not asked for so long; TTL, at most 1 s
	Subjects    int           // subjects of a kind whose last answer is kept; 65,536
	CacheBytes  int           // memory of all that is kept, a quarter a kind; 64 MiB

	// Margin is how long before its deadline a call that still waits for the model
	// is answered from a lower rung; 150 µs. It covers the way back to the caller.
	// Long budgets give a twentieth, at most 10 ms, short ones at most a quarter.
	Margin time.Duration
	// Classes are those of calls that name none, by kind, in the order of ipc.Kinds;
	// normal.
	Classes    [len(ipc.Kinds)]ipc.Class
	QueueLimit int // questions of one kind that may wait for the daemon; 1,024

	Attempt          time.Duration // one exchange with the daemon may take so long; 1 s
	RetryInterval    time.Duration // first pause of an endpoint that fails; 10 ms
	MaxRetryInterval time.Duration // longest pause; 1 s
	BreakerFailures  int           // failures in a row that are answered with a pause; 1
	// Suspect is after how long without an answer the next endpoint is asked, where
	// there are several; 50 ms.
	Suspect time.Duration
	// Probe is after how long without an exchange a daemon is asked for its health, so
	// that what is told of it is true where nobody asks anything; 5 s.
	Probe time.Duration

	more  []func(*eventloop.Loop, ipc.Kind) upstream.Conn // further hosts, of tests
	clock func() int64                                    // of tests; else ipc.Now

	// Tracer, when set, records calls as spans of traces.
	Tracer Tracer

	// OnState is told when the daemon goes away or comes back, and when other kinds
	// than before fail while it is up. It runs on the loop and must not block.
	OnState func(UpstreamState)
	// OnStanding is told when a model was demoted, or came back. It runs on the loop
	// and must not block.
	OnStanding func(Standing)
}

// endpoints are the daemons, in the order of preference.
func (c *Config) endpoints() []*endpoint {
	if c.Host != nil {
		list := []*endpoint{{name: "in process", dial: c.Host}}
		for _, dial := range c.more {
			list = append(list, &endpoint{name: "in process too", dial: dial})
		}
		return list
	}
	var list []*endpoint
	for _, t := range append([]upstream.Target{c.Upstream}, c.Failover...) {
		list = append(list, &endpoint{name: t.String(), remote: true, dial: func(loop *eventloop.Loop, _ ipc.Kind) upstream.Conn {
			return upstream.Dial(loop, t, c.Library)
		}})
	}
	return list
}

// margin is the part of a budget that is kept for the way back.
func (c *Config) margin(budget time.Duration) time.Duration {
	return min(max(c.Margin, min(budget/20, 10*time.Millisecond)), budget/4)
}

// maxBreakerFailures bounds what a breaker counts.
const maxBreakerFailures = 1000

// minCacheBytes holds at least one chunk of every kind's shelf.
const minCacheBytes = 1 << 20

const day = 24 * time.Hour

// DefaultStaleBound is how long an answer may serve other questions about its subject,
// where nothing is said.
func DefaultStaleBound(ttl time.Duration) time.Duration { return 10 * ttl }

// DefaultNegativeTTL is how long a question that the model could not answer is not asked
// again, where nothing is said.
func DefaultNegativeTTL(ttl time.Duration) time.Duration { return min(ttl, time.Second) }

func (c *Config) setDefaults() error {
	if c.Upstream == (upstream.Target{}) && c.Host == nil {
		return errors.New("bridge: no upstream given")
	}
	if c.Server.Limits == (ipc.Limits{}) {
		c.Server.Limits = ipc.DefaultLimits()
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"cache ttl", &c.TTL, 100 * time.Millisecond},
		{"longest cache ttl", &c.MaxTTL, 0},
		{"stale bound", &c.StaleBound, 0},
		{"negative ttl", &c.NegativeTTL, 0},
		{"margin", &c.Margin, 150 * time.Microsecond},
		{"attempt timeout", &c.Attempt, time.Second},
		{"retry interval", &c.RetryInterval, 10 * time.Millisecond},
		{"longest retry interval", &c.MaxRetryInterval, time.Second},
		{"time to suspect an endpoint", &c.Suspect, 50 * time.Millisecond},
		{"time to a probe", &c.Probe, 5 * time.Second},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < 0 || *d.v > day {
			return fmt.Errorf("bridge: %s %v is outside 0..24h", d.name, *d.v)
		}
	}
	if c.StaleBound == 0 {
		c.StaleBound = DefaultStaleBound(c.TTL)
	}
	c.MaxTTL = max(c.MaxTTL, c.TTL)
	if c.NegativeTTL == 0 {
		c.NegativeTTL = DefaultNegativeTTL(c.TTL)
	}
	if c.Tolerance == 0 {
		c.Tolerance = 0.01
	}
	if !(c.Tolerance >= 0 && c.Tolerance <= 1) {
		return fmt.Errorf("bridge: tolerance %v is outside 0..1", c.Tolerance)
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.CacheBytes < minCacheBytes {
		return fmt.Errorf("bridge: a cache of %d bytes is less than %d", c.CacheBytes, minCacheBytes)
	}
	if c.Subjects == 0 {
		c.Subjects = 65_536
	}
	if c.QueueLimit == 0 {
		c.QueueLimit = 1024
	}
	for i := range c.Classes {
		if c.Classes[i] == ipc.ClassDefault {
			c.Classes[i] = ipc.ClassNormal
		}
	}
	if c.BreakerFailures == 0 {
		c.BreakerFailures = 1
	}
	if c.BreakerFailures < 1 || c.BreakerFailures > maxBreakerFailures {
		return fmt.Errorf("bridge: %d failures of a breaker are outside 1..%d", c.BreakerFailures, maxBreakerFailures)
	}
	if c.Subjects < 1 || c.QueueLimit < 1 {
		return errors.New("bridge: subjects and queue limit must be positive")
	}
	if c.OnState == nil {
		c.OnState = func(UpstreamState) {}
	}
	if c.OnStanding == nil {
		c.OnStanding = func(Standing) {}
	}
	return nil
}
