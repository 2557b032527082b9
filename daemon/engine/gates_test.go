package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// head is a test at the head of a tree, with the leaf out where rows do not go on.
type head struct {
	column    int64
	threshold float32
	mode      string
	goOn      bool // where the test is true
	missing   int64
	out       float32
}

func randomHead(r *rand.Rand, columns int) head {
	h := head{
		column: r.Int64N(int64(columns)), threshold: float32(r.IntN(3)-1) / 2, goOn: r.IntN(2) == 0,
		mode: []string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"}[r.IntN(4)], missing: r.Int64N(2),
	}
	if r.IntN(5) == 0 { // a gate as well, and two that are none
		h.out = []float32{float32(math.Copysign(0, -1)), 1e-45, -1}[r.IntN(3)]
	}
	return h
}

// gatedTree adds a lopsided tree of that many leaves behind heads. Some leaves add
// zero, of either sign.
func (a *treeAttrs) gatedTree(r *rand.Rand, tree int64, heads []head, leaves, columns int) {
	fresh := int64(0)
	next := func() int64 { fresh++; return fresh - 1 }
	branch := func(h head) (id int64, at int) {
		id, at = next(), len(a.node)
		a.add(tree, id, h.column, h.threshold, 0, 0, h.mode)
		a.missing = append(a.missing, h.missing)
		return id, at
	}
	leaf := func(v float32) int64 {
		id := next()
		a.leaf(tree, id, v)
		a.missing = append(a.missing, 0)
		return id
	}
	var grow func(heads []head, leaves int) int64
	grow = func(heads []head, leaves int) int64 {
		if len(heads) > 0 {
			id, at := branch(heads[0])
			if heads[0].goOn {
				a.yes[at], a.no[at] = grow(heads[1:], leaves), leaf(heads[0].out)
			} else {
				a.yes[at], a.no[at] = leaf(heads[0].out), grow(heads[1:], leaves)
			}
			return id
		}
		if leaves == 1 {
			return leaf([]float32{float32(r.NormFloat64()), float32(r.NormFloat64()), 0, float32(math.Copysign(0, -1))}[r.IntN(4)])
		}
		id, at := branch(randomHead(r, columns))
		left := 1 + r.IntN(leaves-1)
		a.yes[at], a.no[at] = grow(nil, left), grow(nil, leaves-left)
		return id
	}
	grow(heads, leaves)
}

// gatedForest is a forest of gatedTrees.
func gatedForest(t *testing.T, r *rand.Rand, columns int, more ...any) *forest {
	t.Helper()
	return onlyForest(t, mustLoad(t, chain(int64(columns), nil, gatedTrees(r, columns).nodeProto(more...))))
}

// gatedTrees joins parts of a few trees, each behind up to three heads. Few columns
// and thresholds repeat, so that parts share them.
func gatedTrees(r *rand.Rand, columns int) *treeAttrs {
	var a treeAttrs
	most := []int{3, maxBitLeaves}[r.IntN(2)]
	tree := int64(0)
	for range 1 + r.IntN(6) {
		var heads []head
		for range r.IntN(4) {
			heads = append(heads, randomHead(r, min(columns, 3)))
		}
		for range 1 + r.IntN(3*minRun) {
			a.gatedTree(r, tree, heads, 1+r.IntN(most), columns)
			tree++
		}
	}
	return &a
}

// gatedRows are treeRows of which columns hold one value, all over or for sixteen
// rows, so that parts are left out.
func gatedRows(r *rand.Rand, n, columns int, missing float64) []float32 {
	rows := treeRows(r, n, columns, missing)
	for c := range columns {
		span := []int{1, bitRows, n}[r.IntN(3)]
		for i := range n {
			rows[i*columns+c] = rows[i/span*span*columns+c]
		}
	}
	return rows
}

// plain is the forest with nothing left out, to be walked.
func (f *forest) plain() *forest {
	p := *f
	p.runs, p.bits = []treeRun{{trees: f.trees}}, nil
	return &p
}

// memory is what a session of the forest alone has.
func (f *forest) memory(rows []float32, n int) *memory {
	return &memory{slots: [][]float32{rows, make([]float32, n)}, lanes: make([]column, maxBitColumns)}
}

// scores runs the forest alone.
func (f *forest) scores(rows []float32, n int) []float32 {
	m := f.memory(rows, n)
	f.run(m, n)
	return m.slots[1]
}

// checkGates compares walks and bits that leave runs out with the walk of all trees,
// to the bit.
func checkGates(t *testing.T, f *forest, rows []float32, n int) {
	t.Helper()
	want, walks := f.plain().scores(rows, n), *f
	walks.bits = nil
	for name, f := range map[string]*forest{"bits": f, "walks": &walks} {
		for i, got := range f.scores(rows, n) {
			if math.Float32bits(got) != math.Float32bits(want[i]) {
				t.Fatalf("%s, %d runs of %d trees, %d rows: row %d = %v, want %v", name, len(f.runs), len(f.trees), n, i, got, want[i])
			}
		}
	}
}

// TestGatesChangeNothing: the forests that runs are left out of give what all their
// trees give.
func TestGatesChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	bits := 0
	for round := range 400 {
		columns, n := 1+r.IntN(8), 1+r.IntN(70)
		f := gatedForest(t, r, columns, "aggregate_function", []string{"SUM", "AVERAGE"}[round%2])
		if round%20 == 0 {
			n += orderedRows
		}
		rows := gatedRows(r, n, columns, float64(round%3)/300)
		if n > orderedRows { // the last of an order walks
			rows[(orderedRows-1)*columns] = float32(math.NaN())
		}
		checkGates(t, f, rows, n)
		if f.bits != nil {
			bits++
		}
	}
	if hasBits && bits < 100 {
		t.Errorf("%d of 400 forests have bits, too few to speak of", bits)
	}
}

// TestRuns: which trees are behind which gates. A letter is a test on a column of its
// own, and a tree the letters at its head.
func TestRuns(t *testing.T) {
	for _, c := range []struct{ trees, want string }{
		{"A A A A", "A:4"},
		{"A A A", ":3"},
		{"A A A A B B B B B", "A:4 B:5"},
		{"- A A A A - - A A A A -", ":1 A:4 :2 A:4 :1"},
		{"A A A A B B A A A A", "A:4 :2 A:4"},
		{"AB AB AB AB AB", "AB:5"},
		{"AB AB AB AB BA BA BA BA", "AB:4 BA:4"},
		{"ABC ABC ABC ABC", "AB:4"},
		{"AB AB AB AB A A A A AC AC AC AC", "AB:4 A:4 AC:4"},
		{"A AB A A A", "A:5"},
		{"AB AC AD AE AB", "A:5"},
		{"AB AB AC AC A", "A:5"},
		{"A A B B A A B B", ":8"},
	} {
		var a treeAttrs
		r := rand.New(rand.NewPCG(1, 1))
		for i, letters := range strings.Fields(c.trees) {
			var heads []head
			for _, l := range strings.Trim(letters, "-") {
				heads = append(heads, head{column: int64(l - 'A'), mode: "BRANCH_LEQ", threshold: 0.5})
			}
			a.gatedTree(r, int64(i), heads, 1, 5)
			a.weight[len(a.weight)-1] = 7 // no zero by chance
		}
		var got []string
		for _, run := range onlyForest(t, mustLoad(t, chain(5, nil, a.nodeProto()))).runs {
			name := ""
			for _, g := range run.gates {
				name += string(rune('A' + g.test.feature()))
			}
			got = append(got, fmt.Sprintf("%s:%d", name, len(run.trees)))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("runs of %s = %s, want %s", c.trees, got, c.want)
		}
	}
}

// TestGateDiffers: trees whose first tests differ in anything are in no run together.
func TestGateDiffers(t *testing.T) {
	same := head{column: 1, threshold: 0.5, mode: "BRANCH_LEQ"}
	for name, change := range map[string]func(h *head){
		"nothing":   func(*head) {},
		"column":    func(h *head) { h.column = 2 },
		"threshold": func(h *head) { h.threshold = math.Nextafter32(0.5, 1) },
		"side":      func(h *head) { h.goOn = true },
		"missing":   func(h *head) { h.missing = 1 },
		"leaf":      func(h *head) { h.out = 1 },
	} {
		var a treeAttrs
		r := rand.New(rand.NewPCG(1, 1))
		other := same
		change(&other)
		for i := range int64(2 * minRun) {
			a.gatedTree(r, i, []head{[]head{same, other}[i/minRun]}, 3, 3)
		}
		f := onlyForest(t, mustLoad(t, chain(3, nil, a.nodeProto())))
		if want := 1 + int(bit(name != "nothing")); len(f.runs) != want {
			t.Errorf("%s: %d runs, want %d", name, len(f.runs), want)
		}
	}
}

// TestWalksLeaveRunsOut: what the trees of a run say of rows outside is not asked.
func TestWalksLeaveRunsOut(t *testing.T) {
	var a treeAttrs
	r := rand.New(rand.NewPCG(1, 1))
	for i := range int64(minRun) {
		a.gatedTree(r, i, []head{{mode: "BRANCH_LEQ", threshold: 0.5}}, 5, 2)
	}
	f := onlyForest(t, mustLoad(t, chain(2, nil, a.nodeProto())))
	f.bits = nil
	for i := range f.value {
		f.value[i] = 1
	}
	for _, n := range []int{1, 3, 4, 64, 65} {
		rows := make([]float32, 2*n)
		if got := f.scores(rows, n); slices.Max(got) != 0 {
			t.Errorf("%d rows outside: the trees say %v, want nothing", n, got)
		}
		rows[2*(n-1)] = 1
		if got := f.scores(rows, n); got[n-1] != minRun {
			t.Errorf("%d rows, the last inside: it gets %v, want %v", n, got[n-1], minRun)
		}
	}
}

// TestBitsDoNotCountGates: 32 leaves are 32 leaves behind two gates, too.
func TestBitsDoNotCountGates(t *testing.T) {
	needsBits(t)
	r := rand.New(rand.NewPCG(13, 14))
	for leaves, want := range map[int]bool{maxBitLeaves: true, maxBitLeaves + 1: false} {
		var a treeAttrs
		for i := range int64(minRun) {
			a.gatedTree(r, i, []head{{column: 0, mode: "BRANCH_LEQ"}, {column: 1, mode: "BRANCH_GT"}}, leaves, 3)
		}
		f := onlyForest(t, mustLoad(t, chain(3, nil, a.nodeProto())))
		if got := f.bits != nil; got != want {
			t.Errorf("%d leaves: bits %v, want %v", leaves, got, want)
		}
		checkGates(t, f, gatedRows(r, 50, 3, 0), 50)
	}
}

// TestGatesAllocateNothing: whatever is left out.
func TestGatesAllocateNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for range 20 {
		f := gatedForest(t, r, 5)
		for _, n := range []int{1, 16, 70} {
			m := f.memory(gatedRows(r, n, 5, 0.001), n)
			if got := testing.AllocsPerRun(5, func() { f.run(m, n) }); got != 0 {
				t.Errorf("%d rows: %v allocations, want none", n, got)
			}
		}
	}
}

// FuzzGates looks for joined forests and rows on which leaving out shows.
func FuzzGates(f *testing.F) {
	f.Add(uint64(1), uint8(2), uint8(16))
	f.Add(uint64(2), uint8(7), uint8(69))
	f.Add(uint64(3), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, columns, rows uint8) {
		r := rand.New(rand.NewPCG(seed, 2))
		width, n := 1+int(columns)%8, 1+int(rows)*3/2
		checkGates(t, gatedForest(t, r, width), gatedRows(r, n, width, float64(seed%3)/300), n)
	})
}
