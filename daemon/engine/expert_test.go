package engine

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
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

// wholeModel loads a file with nothing left out: every product of two values is an output as
// well, and so is looked at.
func wholeModel(t *testing.T, data []byte) *Model {
	t.Helper()
	q := newQuota(Limits{}.withDefaults(), len(data))
	p, err := parseModel(data, q)
	if err != nil {
		t.Fatal(err)
	}
	constant := map[string]bool{}
	for _, c := range p.graph.tensors {
		constant[c.name] = true
	}
	for _, n := range p.graph.nodes {
		constant[n.out[0]] = n.op == "Constant"
		if n.op == "Mul" && !constant[n.in[0]] && !constant[n.in[1]] {
			p.graph.outputs = append(p.graph.outputs, valueProto{name: n.out[0]})
		}
	}
	m, err := compileModel(p, q)
	if err != nil {
		t.Fatal(err)
	}
	if len(expertsOf(m)) > 0 {
		t.Fatal("a model whose products are outputs has experts")
	}
	return m
}

func expertsOf(m *Model) (list []*expert) {
	for _, s := range m.steps {
		if e, ok := s.kernel.(*expert); ok {
			list = append(list, e)
		}
	}
	return list
}

// checkExperts compares outputs of a model and of the same with nothing left out, bit for
// bit, all NaN being one.
func checkExperts(t *testing.T, m, whole *Model, rows []float32, n int) {
	t.Helper()
	s, w := m.NewSession(n), whole.NewSession(n)
	for _, s := range []*Session{s, w} {
		if err := s.Run(rows, n); err != nil {
			t.Fatal(err)
		}
	}
	for i := range m.Outputs() {
		want := w.Output(i)
		for j, got := range s.Output(i) {
			if math.Float32bits(got) != math.Float32bits(want[j]) && (got == got || want[j] == want[j]) {
				t.Fatalf("%d experts, %d rows: value %d of output %d = %v, want %v", len(expertsOf(m)), n, j, i, got, want[j])
			}
		}
	}
}

// TestExpertsChangeNothing: nets that are left out for some rows give what they give for all.
func TestExpertsChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	experts := 0
	for round := range 100 {
		data, width := randomExperts(r)
		n := 1 + r.IntN(40)
		if round%20 == 0 {
			n += 2 * orderedRows
		}
		m := mustLoad(t, data)
		experts += len(expertsOf(m))
		checkExperts(t, m, wholeModel(t, data), expertRows(r, n, width, float64(round%3)/60), n)
	}
	if experts < 70 {
		t.Errorf("%d experts in 100 models, too few to speak of", experts)
	}
}

// TestShippedExpertsChangeNothing holds the models beside this package to the same.
func TestShippedExpertsChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 44))
	files, err := filepath.Glob("../models/*.onnx")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, whole := mustLoad(t, data), wholeModel(t, data)
		for round := range 6 {
			n := []int{1, 3, 64}[round%3]
			rows := oddNumbers(r, n*m.Inputs(), float64(round%2)/400)
			for i := range rows { // many columns are flags
				if r.IntN(2) == 0 {
					rows[i] = float32(r.IntN(3) - 1)
				}
			}
			checkExperts(t, m, whole, rows, n)
		}
	}
}

// FuzzExperts looks for graphs and rows on which leaving out shows.
func FuzzExperts(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(0))
	f.Add(uint64(2), uint8(64), uint8(3))
	f.Add(uint64(3), uint8(255), uint8(30))
	f.Fuzz(func(t *testing.T, seed uint64, rows, odd uint8) {
		r := rand.New(rand.NewPCG(seed, 3))
		data, width := randomExperts(r)
		n := 1 + int(rows)*2
		checkExperts(t, mustLoad(t, data), wholeModel(t, data), expertRows(r, n, width, float64(odd)/512), n)
	})
}

// counter notes how many rows a step is run for.
type counter struct{ rows int }

func (c *counter) run(_ *memory, n int) { c.rows += n }

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

// TestExpertRows: a net is computed for the rows whose gate is not 0, and for those that are out
// of the ordinary.
func TestExpertRows(t *testing.T) {
	m := mustLoad(t, expertFile(plainExpert))
	e := expertsOf(m)[0]
	var c counter
	e.steps = append(e.steps, step{kernel: &c})
	nan, far := float32(math.NaN()), float32(2*farthest)
	for _, tc := range []struct {
		rows []float32
		want int
	}{
		{[]float32{0, 1, 2, 3}, 0},
		{[]float32{float32(math.Copysign(0, -1)), farthest, -farthest, 3}, 0},
		{[]float32{1, 1, 2, 3}, 1},
		{[]float32{nan, 1, 2, 3}, 1},
		{[]float32{0, 1, nan, 3}, 1},
		{[]float32{0, 1, 2, -inf32}, 1},
		{[]float32{0, far, 2, 3}, 1},
		{[]float32{0, 1, 2, 3, 1e-45, 1, 2, 3, 0, 1, 2, 3, -1, 1, 2, 3}, 2},
		{slices.Repeat([]float32{0, 1, 2, 3, 7, 1, 2, 3}, orderedRows), orderedRows},
	} {
		c.rows = 0
		n := len(tc.rows) / 4
		if err := m.NewSession(n).Run(tc.rows, n); err != nil {
			t.Fatal(err)
		}
		if c.rows != tc.want {
			t.Errorf("%v: the net is computed for %d of %d rows, want %d", tc.rows[:4], c.rows, n, tc.want)
		}
	}
}

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

// TestExpertsNeedRoom: where there is none for what experts take besides, a model runs without.
func TestExpertsNeedRoom(t *testing.T) {
	r := rand.New(rand.NewPCG(47, 48))
	data := expertFile(plainExpert)
	all := mustLoad(t, data)
	m, err := Load(data, Limits{RowFloats: all.RowFloats() - 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(expertsOf(m)); got > 0 {
		t.Fatalf("%d experts, want none", got)
	}
	checkExperts(t, all, m, expertRows(r, 40, 4, 0.05), 40)
	if _, err := Load(data, Limits{RowFloats: m.RowFloats() - 1}); !errors.Is(err, ErrLimit) {
		t.Errorf("Load with one number less than the model needs without experts: %v, want ErrLimit", err)
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

// TestExpertsAllocateNothing: whatever rows they are computed for.
func TestExpertsAllocateNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(45, 46))
	for range 4 {
		data, width := randomExperts(r)
		m := mustLoad(t, data)
		for _, n := range []int{1, 64, orderedRows + 9} {
			s, rows := m.NewSession(n), expertRows(r, n, width, 0.01)
			var err error
			if got := testing.AllocsPerRun(5, func() { err = s.Run(rows, n) }); got != 0 || err != nil {
				t.Errorf("%d rows: %v allocations, %v; want none", n, got, err)
			}
		}
	}
}
