package engine

import (
	"math"
	"testing"
)

// TestWhatIsAnExpert: only what can be left out unseen.
func TestWhatIsAnExpert(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	for name, c := range map[string]struct {
		edit func(g *expertGraph, trees, net, gate string) string
		want int
	}{
		"a net": {plainExpert, 1},
		"gate first": {func(g *expertGraph, trees, net, gate string) string {
			return g.step("Add", g.step("Mul", gate, net), trees)
		}, 1},
		"beside an offset": {func(g *expertGraph, _, net, gate string) string {
			return g.step("Add", g.step("Mul", net, gate), g.step("Add", g.step("Mul", g.column(1), g.constant([]float32{3})), g.constant([]float32{2})))
		}, 1},
		"two nets": {func(g *expertGraph, trees, net, gate string) string {
			other := g.dense("x", 4, 8, 1)
			both := g.step("Add", g.step("Mul", net, gate), g.step("Mul", g.dense(other, 8, 1, 1), g.column(1)))
			return g.step("Add", trees, both)
		}, 2},
		"one in another": {func(g *expertGraph, trees, net, gate string) string {
			return g.step("Add", trees, g.step("Mul", g.step("Mul", net, g.step("Sum", net, net)), gate))
		}, 1},
		"added to −0": {func(g *expertGraph, _, net, gate string) string {
			return g.step("Add", g.step("Mul", net, gate), g.step("Max", g.column(1), g.constant([]float32{negZero})))
		}, 0},
		"not added": {func(g *expertGraph, _, net, gate string) string { return g.step("Mul", net, gate) }, 0},
		"added to itself": {func(g *expertGraph, _, net, gate string) string {
			p := g.step("Mul", net, gate)
			return g.step("Add", p, p)
		}, 0},
		"an output": {func(g *expertGraph, trees, net, gate string) string {
			p := g.step("Mul", net, gate)
			g.outputs = append(g.outputs, msg{}.str(1, p))
			return g.step("Add", trees, p)
		}, 0},
		"used elsewhere": {func(g *expertGraph, trees, net, gate string) string {
			return g.step("Add", g.step("Add", trees, g.step("Mul", net, gate)), net)
		}, 0},
		"of two sources": {func(g *expertGraph, trees, net, gate string) string {
			return g.step("Add", trees, g.step("Mul", g.step("Add", net, trees), gate))
		}, 0},
		"of unknown size": {func(g *expertGraph, trees, net, gate string) string {
			return g.step("Add", trees, g.step("Mul", g.step("Exp", net), gate))
		}, 0},
		"of any size": {func(g *expertGraph, trees, net, gate string) string {
			return g.step("Add", trees, g.step("Mul", g.dense(g.dense(net, 1, 8, 1e30), 8, 1, 1e30), gate))
		}, 0},
		"small": {func(g *expertGraph, trees, _, gate string) string {
			return g.step("Add", trees, g.step("Mul", g.dense("x", 4, 1, 1), gate))
		}, 0},
		"of a divisor": {func(g *expertGraph, trees, net, gate string) string {
			return g.step("Add", trees, g.step("Div", net, gate))
		}, 0},
	} {
		if got := len(expertsOf(mustLoad(t, expertFile(c.edit)))); got != c.want {
			t.Errorf("%s: %d experts, want %d", name, got, c.want)
		}
	}
}

// TestAverageOfTreesMayBeNegativeZero: what is divided and then gets −0 added may be it.
func TestAverageOfTreesMayBeNegativeZero(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	for _, c := range []struct {
		average bool
		base    float32
		want    bool
	}{{false, 0, true}, {false, negZero, true}, {true, 0, true}, {true, negZero, false}} {
		f := &flow{}
		if got := f.neverNeg0(&forest{average: c.average, base: []float32{c.base}}); got != c.want {
			t.Errorf("average %v, base %v: never −0 is %v, want %v", c.average, c.base, got, c.want)
		}
	}
}
