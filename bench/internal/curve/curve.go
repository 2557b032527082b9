package curve

// Curve is one kind of work that grows.
type Curve struct {
	Name   string // as in Point.Curve
	Title  string
	XTitle string // what x counts, with its unit
	How    string // how it was measured, in a sentence or two
	Rule   Rule
	Points []Point

	Knee    int  // index of the knee's point; meaningful if HasKnee
	HasKnee bool // the curve bends within what was measured
	Verdict string
}

// Find applies the curve's rule and marks the knee's point.
func (c *Curve) Find() {
	c.Knee, c.HasKnee, c.Verdict = c.Rule(c.Points)
	for i := range c.Points {
		c.Points[i].Knee = c.HasKnee && i == c.Knee
	}
}

// The curves' names.
const (
	ActiveConns = "connections-in-use"
	IdleConns   = "connections-idle"
	BridgeCache = "agents-bridge"
	ClientCache = "agents-client"
	Batch       = "batch"
	LoadHit     = "load-hit"
	LoadCold    = "load-cold"
)

// All gives every curve, in the order of reports, without points.
func All() []Curve {
	perCall := func(p *Point) float64 { return 1e6 / float64(p.PerSecond) }
	p50 := func(p *Point) float64 { return float64(p.P50) }
	return []Curve{
		{
			Name: ActiveConns, Title: "Connections in use", XTitle: "connections", Rule: Growth("the time a call", perCall),
			How: "64 calls in flight, each on the next connection in turn; hits of the bridge's cache.",
		},
		{
			Name: IdleConns, Title: "Idle connections", XTitle: "connections", Rule: Growth("the active caller's p50", p50),
			How: "Connections that have said hello and nothing since, beside one caller with one call in flight; hits; all on one core.",
		},
		{
			Name: BridgeCache, Title: "Agents in the bridge's cache", XTitle: "agents", Rule: Growth("the time a hit", perCall),
			How: "Every agent asked once, then hits over random agents: latency with one call in flight, throughput with 64 on one connection; all on one core.",
		},
		{
			Name: ClientCache, Title: "Agents in the client's own cache", XTitle: "agents", Rule: Growth("a Lookup's p50", p50),
			How: "The cache of package mlclient, in the asking process: Lookup over random agents, sixteen timed together.",
		},
		{
			Name: Batch, Title: "Questions in a batch", XTitle: "questions in a call", Rule: Return,
			How: "New questions through mld to the toy model, four batches in flight, one connection; latency is a batch's.",
		},
		{
			Name: LoadHit, Title: "Offered load, hits", XTitle: "calls offered a second", Rule: Saturation,
			How: "Open loop, Poisson starts over 8 connections, budget 1 ms, latency from the intended start; the bridge has one core.",
		},
		{
			Name: LoadCold, Title: "Offered load, cold", XTitle: "calls offered a second", Rule: Saturation,
			How: "The same with new questions, which go through mld to the toy model; the bridge and mld share one core.",
		},
	}
}
