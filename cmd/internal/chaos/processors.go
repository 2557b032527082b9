package chaos

import (
	"os"
	"runtime"
	"time"
)

// Processors is how many processors each process had, on average.
type Processors struct {
	Load   float64 `json:"load"` // this process: the generator, the client and the oracle
	Bridge float64 `json:"ml_bridge"`
	Mld    float64 `json:"mld"`
	Count  int     `json:"count"` // that the machine has
}

// crowded is the share of a machine's processors from which on what is woken has to wait for
// one: of two that are busy for three quarters of the time, with one out of two.
const crowded = 0.75

// Crowded reports whether the load and what it asks were in each other's way, and mostly by
// the load's doing.
func (p *Processors) Crowded() bool {
	used := p.Load + p.Bridge + p.Mld
	return used > crowded*float64(p.Count) && p.Load > used/2
}

// used is the processor time that each had so far.
type used struct{ load, bridge, mld time.Duration }

func (c *Chain) used() used {
	return used{cpuTime(os.Getpid()), cpuTime(c.bridge.PID), cpuTime(c.mld.PID)}
}

// since is what they had from before on, within so many seconds.
func (u used) since(before used, seconds float64) Processors {
	over := func(a, b time.Duration) float64 { return (b - a).Seconds() / seconds }
	return Processors{over(before.load, u.load), over(before.bridge, u.bridge), over(before.mld, u.mld), runtime.NumCPU()}
}
