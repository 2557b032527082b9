package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// tangle writes a graph in which everything may read anything of the width it takes: nets that
// share layers, nets in nets, gates that nets read as well, results that are used twice or are
// outputs.
type tangle struct {
	expertGraph
	values []tangled
}

type tangled struct {
	name  string
	width int
}

func (g *tangle) add(width int, op string, in ...string) tangled {
	v := tangled{g.step(op, in...), width}
	g.values = append(g.values, v)
	return v
}

// any is a value of that width, or of any for 0: late ones rather than early ones.
func (g *tangle) any(width int) tangled {
	for range 20 {
		n := len(g.values)
		if v := g.values[max(g.r.IntN(n), g.r.IntN(n))]; width == 0 || v.width == width {
			return v
		}
	}
	return tangled{"trees", 1} // which fits everything
}

// layer is a product with rows of weights of v, most of which may be 0.
func (g *tangle) layer(v tangled, width int) tangled {
	w := g.draw(v.width * width)
	if g.r.IntN(3) == 0 {
		clear(w)
		w[g.r.IntN(len(w))] = []float32{1, -2, 1e20, 1e-40}[g.r.IntN(4)]
	}
	y := g.add(width, "MatMul", v.name, g.constant(w, int64(v.width), int64(width)))
	if g.r.IntN(2) == 0 {
		y = g.add(width, "Relu", y.name)
	}
	return y
}

// gated is a net of v, times a gate.
func (g *tangle) gated(v tangled) tangled {
	net := g.layer(g.layer(v, 16), []int{1, 1, 3}[g.r.IntN(3)])
	return g.add(net.width, "Mul", net.name, g.any(1).name)
}

func (g *tangle) grow() {
	v := g.any(0)
	switch g.r.IntN(8) {
	case 0:
		g.layer(v, []int{1, 3, 8}[g.r.IntN(3)])
	case 1:
		g.add(v.width, "Clip", v.name, g.constant([]float32{-4}), g.constant([]float32{4}))
	case 2:
		g.values = append(g.values, tangled{g.columnOf(v.name, g.r.IntN(v.width)), 1})
	case 3:
		g.add(v.width, []string{"Add", "Mul", "Max"}[g.r.IntN(3)], v.name, g.constant([]float32{[]float32{0, float32(math.Copysign(0, -1)), 1, -1}[g.r.IntN(4)]}))
	case 4:
		g.add(v.width, []string{"Add", "Sub", "Mul", "Min"}[g.r.IntN(4)], v.name, g.any(v.width).name)
	case 5:
		g.add(v.width, "Mul", v.name, g.any(1).name)
	default:
		if g.r.IntN(2) == 0 {
			v = g.values[0] // bounds are known of what comes of the rows alone
		}
		known := len(g.values)
		p := g.gated(v)
		if g.r.IntN(3) == 0 {
			p = g.gated(p)
		}
		if g.r.IntN(4) > 0 { // mostly nothing else reads what is inside
			g.values = g.values[:known]
		}
		if g.r.IntN(2) == 0 {
			p = tangled{g.step("Add", p.name, g.any(1).name), p.width}
		}
		g.add(p.width, "Add", "trees", p.name)
	}
}

// randomTangle is such a graph of one to four outputs.
func randomTangle(r *rand.Rand) (data []byte, width int) {
	g := &tangle{expertGraph: expertGraph{r: r, width: []int{1, 3, 8, 20}[r.IntN(4)]}}
	g.nodes = append(g.nodes, gatedTrees(r, g.width).into("trees"))
	g.values = []tangled{{"x", g.width}, {"trees", 1}}
	for range 4 + r.IntN(16) {
		g.grow()
	}
	for i := range 1 + r.IntN(4) {
		y, of := fmt.Sprint("y", i), g.values[len(g.values)-1]
		if i > 0 {
			of = g.any(0)
		}
		g.nodes = append(g.nodes, node("", "Identity", []string{of.name}, []string{y}))
		g.outputs = append(g.outputs, msg{}.str(1, y))
	}
	g.inputs = []msg{rowsOf("x", int64(g.width))}
	return g.model(), g.width
}

// tangleRows are of zeros mostly, numbers at the ends of what is ordinary, and a share of
// odd values.
func tangleRows(r *rand.Rand, n, width int, odd float64) []float32 {
	rows := oddNumbers(r, n*width, odd)
	for i := range rows {
		if r.IntN(2) == 0 {
			rows[i] = []float32{0, 0, 0, float32(math.Copysign(0, -1)), farthest, -farthest, 1e-45}[r.IntN(7)]
		}
	}
	return rows
}

// checkTangle holds a graph to the same with nothing left out.
func checkTangle(t *testing.T, r *rand.Rand, odd float64) (experts int) {
	t.Helper()
	data, width := randomTangle(r)
	m, whole := mustLoad(t, data), wholeModel(t, data)
	for _, n := range []int{0, 1, 2 + r.IntN(30), orderedRows + r.IntN(3)} {
		checkExperts(t, m, whole, tangleRows(r, n, width, odd), n)
	}
	return len(expertsOf(m))
}

// TestTangledExperts: leaving out changes nothing, whatever reads what.
func TestTangledExperts(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	experts := 0
	for round := range 200 {
		experts += checkTangle(t, r, float64(round%3)/60)
	}
	if experts < 30 {
		t.Errorf("%d experts in 200 graphs, too few to speak of", experts)
	}
}

// FuzzTangle looks for graphs and rows on which leaving out shows.
func FuzzTangle(f *testing.F) {
	f.Add(uint64(1), uint8(0))
	f.Add(uint64(2), uint8(30))
	f.Fuzz(func(t *testing.T, seed uint64, odd uint8) {
		checkTangle(t, rand.New(rand.NewPCG(seed, 5)), float64(odd)/512)
	})
}
