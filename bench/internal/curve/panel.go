package curve

import "slices"

// panel is one diagram of the picture: some figures of one curve over its x.
type panel struct {
	title  string
	x, y   axis
	series []series
	// marks are lines across: the knee's x, the budget, a target.
	marks []mark
}

// axis has a title with its unit. Linear ones begin at 0. Of logarithmic ones, y shows
// whole decades, x what was measured.
type axis struct {
	title string
	log   bool
}

// strip is the panels of one curve, side by side.
type strip struct {
	title, verdict string
	panels         []panel
}

type series struct {
	name string
	at   []dot
}

type dot struct{ x, y float64 }

// mark is a line at a value of one axis.
type mark struct {
	at       float64
	vertical bool // at is an x
	text     string
}

// figure is a series to be: a name and where its values come from.
type figure struct {
	name  string
	value func(*Point) Figure
}

var (
	p50  = figure{"p50", func(p *Point) Figure { return p.P50 }}
	p99  = figure{"p99", func(p *Point) Figure { return p.P99 }}
	p999 = figure{"p99.9", func(p *Point) Figure { return p.P999 }}

	offered   = figure{"offered", func(p *Point) Figure { return Figure(p.X) }}
	perSecond = figure{"answered", func(p *Point) Figure { return p.PerSecond }}
	inBudget  = figure{"by the model, in budget", func(p *Point) Figure { return p.InBudget * Figure(p.X) }}
	serverCPU = figure{"server CPU", func(p *Point) Figure { return p.ServerCPU }}
	clientCPU = figure{"client CPU", func(p *Point) Figure { return p.ClientCPU }}
	resident  = figure{"resident", func(p *Point) Figure { return p.ResidentEach }}
	collected = figure{"after a collection", func(p *Point) Figure { return p.AfterGCEach }}
	live      = figure{"live heap", func(p *Point) Figure { return p.LiveEach }}
)

// The targets that the picture shows.
const (
	bytesPerConn  = 8 << 10
	bytesPerAgent = 300
	budgetMicros  = 1000
)

// draw makes a panel of a curve's figures. Points that miss a figure have no dot, and a
// void one has none at all.
func (c *Curve) draw(title string, y axis, xLog bool, figures ...figure) panel {
	p := panel{title: title, x: axis{c.XTitle, xLog}, y: y}
	for _, f := range figures {
		s := series{name: f.name}
		for i := range c.Points {
			at := &c.Points[i]
			if v := f.value(at); v.Known() && !at.Void && (!y.log || v > 0) {
				s.at = append(s.at, dot{at.X, float64(v)})
			}
		}
		if len(s.at) > 0 {
			p.series = append(p.series, s)
		}
	}
	if c.HasKnee {
		p.marks = append(p.marks, mark{c.Points[c.Knee].X, true, "knee " + Short(c.Points[c.Knee].X)})
	}
	return p
}

// kneeless is the panel without the knee, for figures that it is not about.
func (p panel) kneeless() panel {
	p.marks = slices.DeleteFunc(p.marks, func(m mark) bool { return m.vertical })
	return p
}

// across adds a horizontal line.
func (p panel) across(y float64, text string) panel {
	p.marks = append(p.marks, mark{y, false, text})
	return p
}

// strips are the picture's diagrams, curve by curve. Panels without a point are left out.
func strips(curves []Curve) (list []strip) {
	for i := range curves {
		c := &curves[i]
		s := strip{title: c.Title, verdict: c.Verdict}
		for _, p := range c.panels() {
			if len(p.series) > 0 {
				s.panels = append(s.panels, p)
			}
		}
		if len(s.panels) > 0 {
			list = append(list, s)
		}
	}
	return list
}

func (c *Curve) panels() []panel {
	var (
		rate    = axis{"answers a second", false}
		latency = axis{"latency, µs", true}
		cpu     = axis{"CPU, µs a call", false}
		bytes   = axis{"bytes each", true}
	)
	switch c.Name {
	case ActiveConns:
		return []panel{
			c.draw("throughput", rate, true, perSecond),
			c.draw("latency with 64 calls in flight", latency, true, p50, p99, p999),
			c.draw("what a call costs", cpu, true, serverCPU, clientCPU),
		}
	case IdleConns:
		return []panel{
			c.draw("latency of one active caller", latency, true, p50, p99, p999),
			c.draw("what its call costs", cpu, true, serverCPU, clientCPU),
			c.draw("memory of the bridge", bytes, true, resident).kneeless().across(bytesPerConn, "target 8 KiB"),
		}
	case BridgeCache:
		return []panel{
			c.draw("throughput of hits", rate, true, perSecond),
			c.draw("latency of a hit", latency, true, p50, p99, p999),
			c.draw("memory of the bridge", bytes, true, resident, live).kneeless().across(bytesPerAgent, "target 300"),
		}
	case ClientCache:
		return []panel{
			c.draw("throughput of one thread", axis{"lookups a second", false}, true, perSecond),
			c.draw("latency of a Lookup", latency, true, p50, p99),
			c.draw("memory of the client", bytes, true, resident, collected).kneeless(),
		}
	case Batch:
		return []panel{
			c.draw("throughput", axis{"predictions a second", false}, true, perSecond),
			c.draw("latency of a batch", latency, true, p50, p99, p999),
			c.draw("cost of one prediction", axis{"µs a prediction", true}, true, figure{"wall clock", perPrediction}, serverCPU, clientCPU),
		}
	case LoadHit, LoadCold:
		return []panel{
			c.draw("offered and answered", rate, false, offered, perSecond, inBudget),
			c.draw("latency from the intended start", latency, false, p50, p99, p999).across(budgetMicros, "budget"),
			c.draw("who answers", axis{"% of the calls", false}, false, c.shares()...),
		}
	}
	return nil
}

// shares are the sources that gave an answer anywhere on the curve, and the calls that
// got none.
func (c *Curve) shares() (list []figure) {
	for _, f := range []figure{
		{"model", func(p *Point) Figure { return p.Model }},
		{"cache", func(p *Point) Figure { return p.Cache }},
		{"stale", func(p *Point) Figure { return p.Stale }},
		{"rule", func(p *Point) Figure { return p.Rule }},
		{"refused", func(p *Point) Figure { return p.Refused }},
		{"dropped", func(p *Point) Figure { return p.Dropped }},
	} {
		for i := range c.Points {
			if v := f.value(&c.Points[i]); v.Known() && v > 0 {
				list = append(list, figure{f.name, func(p *Point) Figure { return 100 * f.value(p) }})
				break
			}
		}
	}
	return list
}
