package mlclient

import (
	"context"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Config says how a Client behaves. Zero fields take the defaults given with them.
type Config struct {
	Path string // of the bridge's socket; ipc.DefaultSocket, looked up at every attempt
	Name string // announced to the bridge
	// Dial makes a connection; ipc.Dial to Path. The ClientConfig must be passed on.
	Dial func(ctx context.Context, cfg ipc.ClientConfig) (*ipc.Client, error)

	// TTL is how long an answer is as good as new from when it came, also one of the bridge's
	// cache, which Reply.Age counts from when it was made; 100 ms. Where MaxTTL is longer that is
	// how it begins: a subject's TTL then grows to MaxTTL while its answers stay the same
	// to within Tolerance of their range, and shrinks to TTL/16 while they change; answers
	// are asked anew before they must be waited for (package freshness). MaxTTL, 1 s, is
	// also how long it takes at most until a client whose model was switched off, demoted
	// or replaced learns of it. With MaxTTL at most TTL the TTL is fixed.
	TTL, MaxTTL time.Duration
	Tolerance   float64       // 0.01
	StaleBound  time.Duration // how long it may still be given as stale; 10 × TTL
	Entries     int           // most subjects remembered; 16,384
	CacheBytes  int           // memory of all that is remembered, about 500 bytes a subject at the worst; 16 MiB
	// Thresholds is the confidence, by kind, below which the rule is preferred to
	// the model; DefaultThreshold where it says nothing, 0 to prefer the model always.
	Thresholds map[ipc.Kind]float32

	Budget        time.Duration // of a Predict that names none; 1 ms
	RefreshBudget time.Duration // of the questions that Lookup queues: nobody waits; 20 ms
	Class         ipc.Class     // of a Predict that names none, and of what Lookup queues
	Queue         int           // questions that can wait to be refreshed; 1024

	// Handshake bounds connecting; 1 s. Hung is how long calls may go unanswered,
	// with nothing heard from the bridge, before the connection is dropped; 250 ms.
	Handshake, Hung time.Duration
	// RetryMin and RetryMax bound the pause between attempts to connect, which
	// doubles and is jittered by half; 5 ms and 1 s.
	RetryMin, RetryMax time.Duration

	// OnState is told when the connection comes and goes, with the reason why it
	// went. It runs on the client's goroutine and must not block.
	OnState func(s State, cause error)
}

// DefaultThreshold is the confidence from which a model of kind k is preferred to
// its rule.
//
// For threat and failure confidence is the probability of a right verdict, and half
// is where a verdict is worth having. For the other two it is the probability of a
// near hit among many possibilities, and small for the rule as well: a page that is
// right one time in ten beats a rule that is right one time in thirty, and a noisy
// agent's load is not better known to the mean of its history.
func DefaultThreshold(k ipc.Kind) float32 {
	switch k {
	case ipc.Workload:
		return 0.25
	case ipc.Memory:
		return 0.05
	}
	return 0.5
}

func (c *Config) setDefaults() {
	durations := []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.TTL, 100 * time.Millisecond},
		{&c.MaxTTL, time.Second},
		{&c.Budget, time.Millisecond},
		{&c.RefreshBudget, 20 * time.Millisecond},
		{&c.Handshake, time.Second},
		{&c.Hung, 250 * time.Millisecond},
		{&c.RetryMin, 5 * time.Millisecond},
		{&c.RetryMax, time.Second},
	}
	for _, d := range durations {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if c.StaleBound <= 0 {
		c.StaleBound = 10 * c.TTL
	}
	if c.Tolerance <= 0 {
		c.Tolerance = 0.01
	}
	if c.CacheBytes <= 0 {
		c.CacheBytes = 16 << 20
	}
	if c.Entries <= 0 {
		c.Entries = 16_384
	}
	if c.Queue <= 0 {
		c.Queue = 1024
	}
	if c.OnState == nil {
		c.OnState = func(State, error) {}
	}
	if c.Dial == nil {
		c.Dial = dialPath(c.Path)
	}
}

// dialPath connects to path, or where a bridge is found by default.
func dialPath(path string) func(context.Context, ipc.ClientConfig) (*ipc.Client, error) {
	return func(ctx context.Context, cfg ipc.ClientConfig) (*ipc.Client, error) {
		at := path
		if at == "" {
			found, err := ipc.DefaultSocket()
			if err != nil {
				return nil, err
			}
			at = found
		}
		return ipc.Dial(ctx, at, cfg)
	}
}

// thresholds gives the table indexed by kind.
func (c *Config) thresholds() (table [len(ipc.Kinds) + 1]float32) {
	for _, k := range ipc.Kinds {
		table[k] = DefaultThreshold(k)
		if t, ok := c.Thresholds[k]; ok {
			table[k] = t
		}
	}
	return table
}
