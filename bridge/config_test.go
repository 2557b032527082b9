package bridge

import (
	"math"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// What cannot be meant is refused, and what is at a bound is not.
func TestConfigIsChecked(t *testing.T) {
	host := func(*eventloop.Loop, ipc.Kind) upstream.Conn { return new(heldConn) }
	for _, v := range []struct {
		line string
		set  func(*Config)
		ok   bool
	}{
		{"nothing but a host", func(*Config) {}, true},
		{"no host and no daemon", func(c *Config) { c.Host = nil }, false},
		{"a TTL of a day", func(c *Config) { c.TTL = day }, true},
		{"a longer TTL", func(c *Config) { c.TTL = day + 1 }, false},
		{"a TTL below 0", func(c *Config) { c.TTL = -1 }, false},
		{"a probe of below 0", func(c *Config) { c.Probe = -time.Second }, false},
		{"a tolerance of all", func(c *Config) { c.Tolerance = 1 }, true},
		{"a tolerance of more", func(c *Config) { c.Tolerance = 1.5 }, false},
		{"a tolerance below 0", func(c *Config) { c.Tolerance = -0.1 }, false},
		{"a tolerance that is none", func(c *Config) { c.Tolerance = math.NaN() }, false},
		{"the least cache", func(c *Config) { c.CacheBytes = minCacheBytes }, true},
		{"less cache", func(c *Config) { c.CacheBytes = minCacheBytes - 1 }, false},
		{"a thousand failures", func(c *Config) { c.BreakerFailures = maxBreakerFailures }, true},
		{"more failures", func(c *Config) { c.BreakerFailures = maxBreakerFailures + 1 }, false},
		{"failures below 0", func(c *Config) { c.BreakerFailures = -1 }, false},
		{"one subject", func(c *Config) { c.Subjects = 1 }, true},
		{"subjects below 0", func(c *Config) { c.Subjects = -1 }, false},
		{"a queue below 0", func(c *Config) { c.QueueLimit = -1 }, false},
	} {
		cfg := Config{Host: host}
		v.set(&cfg)
		b, err := New(cfg)
		if (err == nil) != v.ok {
			t.Errorf("%s: %v", v.line, err)
		}
		if err == nil {
			b.Discard()
		}
	}
}

// What is given is not overwritten by what holds where nothing is.
func TestConfigKeepsWhatIsGiven(t *testing.T) {
	cfg := Config{Upstream: target(t, "http://127.0.0.1:1"), NegativeTTL: time.Minute, StaleBound: time.Hour}
	cfg.Server.Limits = ipc.DefaultLimits()
	cfg.Server.Limits.InFlight = 7
	cfg.Classes[ipc.Memory-1] = ipc.ClassLow
	if err := cfg.setDefaults(); err != nil {
		t.Fatal(err)
	}
	if cfg.NegativeTTL != time.Minute || cfg.StaleBound != time.Hour || cfg.Server.Limits.InFlight != 7 ||
		cfg.Classes[ipc.Memory-1] != ipc.ClassLow || cfg.Classes[ipc.Workload-1] != ipc.ClassNormal {
		t.Errorf("%+v", cfg)
	}
}
