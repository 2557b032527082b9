package bridge

import (
	"fmt"
	"time"
)

// Tuning is what of a Config can change while the bridge runs. Zero fields take the
// defaults given there.
type Tuning struct {
	Budget      time.Duration // of a call on the socket that names none; 1 ms
	TTL         time.Duration
	MaxTTL      time.Duration
	Tolerance   float64
	StaleBound  time.Duration
	NegativeTTL time.Duration
	Attempt     time.Duration
}

// Tune puts t in force for the calls that come from now on. Any goroutine may call it.
func (b *Bridge) Tune(t Tuning) error {
	next := Config{
		Upstream: b.cfg.Upstream, Host: b.cfg.Host,
		TTL: t.TTL, MaxTTL: t.MaxTTL, Tolerance: t.Tolerance, StaleBound: t.StaleBound, NegativeTTL: t.NegativeTTL,
		Attempt: t.Attempt,
	}
	if err := next.setDefaults(); err != nil {
		return err
	}
	if t.Budget == 0 {
		t.Budget = next.Server.Limits.Budget
	}
	if most := b.cfg.Server.Limits.MaxBudget; t.Budget < 0 || t.Budget > most {
		return fmt.Errorf("bridge: budget %v is outside 0..%v", t.Budget, most)
	}
	b.loop.Post(func() {
		b.cfg.TTL, b.cfg.StaleBound, b.cfg.Attempt = next.TTL, next.StaleBound, next.Attempt
		b.cfg.MaxTTL, b.cfg.Tolerance, b.cfg.NegativeTTL = next.MaxTTL, next.Tolerance, next.NegativeTTL
		b.cache.fresh = newFreshness(&b.cfg)
		b.budget.Store(int64(t.Budget))
		b.server.SetBudget(t.Budget)
	})
	return nil
}
