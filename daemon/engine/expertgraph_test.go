package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// expertGraph writes x → y: the sum of trees and of nets that are multiplied by gates.
type expertGraph struct {
	graphParts
	r     *rand.Rand
	width int
}

func (g *expertGraph) constant(values []float32, dims ...int64) string {
	name := fmt.Sprint("c", len(g.tensors))
	g.tensors = append(g.tensors, floatTensor(name, values, dims...))
	return name
}

func (g *expertGraph) column(i int) string { return g.columnOf("x", i) }

func (g *expertGraph) columnOf(v string, i int) string {
	name := fmt.Sprint("i", len(g.tensors))
	g.tensors = append(g.tensors, intTensor(name, []int64{int64(i)}, 1))
	return g.step("Gather", v, name)
}

func (g *expertGraph) step(op string, in ...string) string {
	out := outName(len(g.nodes))
	var attrs []any
	if op == "Gather" {
		attrs = []any{"axis", 1}
	}
	g.nodes = append(g.nodes, node("", op, in, []string{out}, attrs...))
	return out
}

func (g *expertGraph) draw(n int) []float32 { return randomRows(g.r, 1, n) }

// net has so many numbers as a result; with some size of weights it is finite for all rows.
func (g *expertGraph) net(results int, size float32) string {
	v, w := "x", g.width
	if g.r.IntN(4) > 0 {
		v = g.step("Sub", v, g.constant(g.draw(w), int64(w)))
		scale := g.draw(w)
		scale[g.r.IntN(w)] = 0
		v = g.step("Mul", v, g.constant(scale, int64(w)))
		v = g.step("Clip", v, g.constant([]float32{-4}), g.constant([]float32{4}))
	}
	for range 1 + g.r.IntN(2) {
		next := 8 + g.r.IntN(12)
		v = g.step("Relu", g.dense(v, w, next, size))
		w = next
	}
	return g.dense(v, w, results, size)
}

func (g *expertGraph) dense(v string, from, to int, size float32) string {
	weights := g.draw(from * to)
	for i := range weights {
		weights[i] *= size
	}
	return g.step("Gemm", v, g.constant(weights, int64(from), int64(to)), g.constant(g.draw(to), int64(to)))
}

// gate is one of the ways to tell rows apart.
func (g *expertGraph) gate() string {
	a := g.r.IntN(3)
	switch g.r.IntN(4) {
	case 0:
		return g.column(a)
	case 1:
		return g.step("Clip", g.step("Sub", g.column(a), g.column((a+1)%3)), g.constant([]float32{0}), g.constant([]float32{1}))
	case 2:
		pick := vec(g.width)
		pick[a] = 1
		return g.step("MatMul", "x", g.constant(pick, int64(g.width), 1))
	}
	return g.step("Clip", g.column(a), g.constant([]float32{0}), g.constant([]float32{1}))
}

// randomExperts is a graph of one to three nets beside trees.
func randomExperts(r *rand.Rand) (data []byte, width int) {
	g := &expertGraph{r: r, width: 4 + r.IntN(20)}
	results := []int{1, 1, 3}[r.IntN(3)]
	g.nodes = append(g.nodes, gatedTrees(r, g.width).into("trees"))
	sum := "trees"
	for range 1 + r.IntN(3) {
		size := []float32{1, 1, 1e-3, 1e12, 1e30}[r.IntN(5)]
		factors := []string{g.net(results, size), g.gate()}
		if r.IntN(2) == 0 {
			slices.Reverse(factors)
		}
		sum = g.step("Add", sum, g.step("Mul", factors...))
	}
	g.nodes = append(g.nodes, node("", "Identity", []string{sum}, []string{"y"}))
	g.inputs, g.outputs = []msg{rowsOf("x", int64(g.width))}, []msg{msg{}.str(1, "y")}
	return g.model(), g.width
}

// expertRows have gates of 0 and 1 mostly, and a share of odd values.
func expertRows(r *rand.Rand, n, width int, odd float64) []float32 {
	rows := oddNumbers(r, n*width, odd)
	for i := range n {
		for c := range 3 {
			rows[i*width+c] = []float32{0, 0, 0, 1, 1, -1, float32(math.Copysign(0, -1)), 0.5}[r.IntN(8)]
			if r.Float64() < odd {
				rows[i*width+c] = float32(math.NaN())
			}
		}
	}
	return rows
}

// expertFile is trees and a net that column 0 is the gate of; edit changes the graph first.
func expertFile(edit func(g *expertGraph, trees, net, gate string) string) []byte {
	g := &expertGraph{r: rand.New(rand.NewPCG(1, 1)), width: 4}
	var a treeAttrs
	a.gatedTree(g.r, 0, nil, 4, 4)
	g.nodes = append(g.nodes, a.into("trees"))
	v := g.step("Clip", "x", g.constant([]float32{-4}), g.constant([]float32{4}))
	net := g.dense(g.step("Relu", g.dense(v, 4, 8, 1)), 8, 1, 1)
	sum := edit(g, "trees", net, g.column(0))
	g.nodes = append(g.nodes, node("", "Identity", []string{sum}, []string{"y"}))
	g.inputs, g.outputs = []msg{rowsOf("x", 4)}, append(g.outputs, msg{}.str(1, "y"))
	return g.model()
}

func plainExpert(g *expertGraph, trees, net, gate string) string {
	return g.step("Add", trees, g.step("Mul", net, gate))
}
