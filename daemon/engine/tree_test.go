package engine

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// stumpFile is one test with two leaves.
func stumpFile() []byte {
	var a treeAttrs
	a.branch(0, 0, 1, 0.5, 1, 2)
	a.leaf(0, 1, 10)
	a.leaf(0, 2, 20)
	return chain(2, nil, a.nodeProto())
}

// TestTreeStructure: what is not a tree is refused.
func TestTreeStructure(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(a *treeAttrs)
		want string
	}{
		{"child missing", func(a *treeAttrs) { a.branch(0, 0, 0, 0, 1, 2); a.leaf(0, 1, 1) }, "does not exist"},
		{"child in another tree", func(a *treeAttrs) { a.branch(0, 0, 0, 0, 1, 2); a.leaf(0, 1, 1); a.leaf(1, 2, 1) }, "does not exist"},
		{"cycle to the root", func(a *treeAttrs) { a.branch(0, 0, 0, 0, 0, 1); a.leaf(0, 1, 1) }, "cycle"},
		{"cycle beside a tree", func(a *treeAttrs) {
			a.leaf(0, 0, 1)
			a.branch(0, 1, 0, 0, 2, 3)
			a.branch(0, 2, 0, 0, 1, 4)
			a.leaf(0, 3, 1)
			a.leaf(0, 4, 1)
		}, "cycle"},
		{"shared child", func(a *treeAttrs) { a.branch(0, 0, 0, 0, 1, 1); a.leaf(0, 1, 1) }, "two parents"},
		{"two roots", func(a *treeAttrs) { a.leaf(0, 0, 1); a.leaf(0, 1, 1) }, "two roots"},
		{"node twice", func(a *treeAttrs) { a.leaf(0, 0, 1); a.leaf(0, 0, 1) }, "node 0 twice"},
		{"feature", func(a *treeAttrs) { a.branch(0, 0, 2, 0, 1, 2); a.leaf(0, 1, 1); a.leaf(0, 2, 1) }, "feature 2 of 2"},
		{"negative feature", func(a *treeAttrs) { a.branch(0, 0, -1, 0, 1, 2); a.leaf(0, 1, 1); a.leaf(0, 2, 1) }, "feature -1"},
		{"NaN threshold", func(a *treeAttrs) {
			a.branch(0, 0, 0, float32(math.NaN()), 1, 2)
			a.leaf(0, 1, 1)
			a.leaf(0, 2, 1)
		}, "compares with NaN"},
		{"NaN leaf", func(a *treeAttrs) { a.leaf(0, 0, float32(math.NaN())) }, "NaN"},
		{"weight on a branch", func(a *treeAttrs) {
			a.branch(0, 0, 0, 0, 1, 2)
			a.leaf(0, 1, 1)
			a.leaf(0, 2, 1)
			a.leafNode[0] = 0
		}, "no leaf"},
		{"two weights", func(a *treeAttrs) {
			a.leaf(0, 0, 1)
			a.leafTree, a.leafNode, a.leafID, a.weight = []int64{0, 0}, []int64{0, 0}, []int64{0, 0}, []float32{1, 2}
		}, "two weights"},
		{"target", func(a *treeAttrs) { a.leaf(0, 0, 1); a.leafID[0] = 1 }, "target id 1 of 1"},
		{"mode", func(a *treeAttrs) {
			a.branch(0, 0, 0, 0, 1, 2)
			a.leaf(0, 1, 1)
			a.leaf(0, 2, 1)
			a.mode[0] = "BRANCH_MEMBER"
		}, "BRANCH_MEMBER"},
		{"lengths", func(a *treeAttrs) { a.leaf(0, 0, 1); a.value = nil }, "differ in length"},
		{"nothing", func(a *treeAttrs) {}, "no tree nodes"},
	} {
		var a treeAttrs
		tc.make(&a)
		_, err := Load(chain(2, nil, a.nodeProto()), Limits{})
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "TreeEnsembleRegressor") {
			t.Errorf("%s: Load() = %v, want it to name the operator and %q", tc.name, err, tc.want)
		}
	}
}

// TestTreeRefusesAmbiguity: forms on which specification and ONNX Runtime part.
func TestTreeRefusesAmbiguity(t *testing.T) {
	var a treeAttrs
	a.leaf(0, 0, 1)
	if _, err := Load(chain(2, nil, a.nodeProto("post_transform", "LOGISTIC")), Limits{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("one target with LOGISTIC: %v, want ErrUnsupported", err)
	}
	if _, err := Load(chain(2, nil, a.nodeProto("aggregate_function", "MAX")), Limits{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("aggregate MAX: %v, want ErrUnsupported", err)
	}
}

// TestModes compares every mode with its definition around the threshold, with
// missing values either way.
func TestModes(t *testing.T) {
	up := func(v float32) float32 { return math.Nextafter32(v, inf32) }
	down := func(v float32) float32 { return math.Nextafter32(v, -inf32) }
	modes := map[string]func(x, v float32) bool{
		"BRANCH_LEQ": func(x, v float32) bool { return x <= v }, "BRANCH_LT": func(x, v float32) bool { return x < v },
		"BRANCH_GTE": func(x, v float32) bool { return x >= v }, "BRANCH_GT": func(x, v float32) bool { return x > v },
		"BRANCH_EQ": func(x, v float32) bool { return x == v }, "BRANCH_NEQ": func(x, v float32) bool { return x != v },
	}
	negZero := float32(math.Copysign(0, -1))
	for mode, test := range modes {
		for _, v := range []float32{0, negZero, 1.5, -3, 1e-45, math.MaxFloat32, -math.MaxFloat32, inf32} {
			for missing := range int64(2) {
				var a treeAttrs
				a.add(0, 0, 0, v, 1, 2, mode)
				a.leaf(0, 1, 1)
				a.leaf(0, 2, 2)
				a.missing = []int64{missing, 0, 0}
				m := mustLoad(t, chain(1, nil, a.nodeProto()))
				for _, x := range []float32{v, up(v), down(v), 0, negZero, -v, inf32, -inf32, float32(math.NaN())} {
					want := float32(2)
					if test(x, v) || missing == 1 && x != x {
						want = 1
					}
					if got := runOne(t, m, x)[0]; got != want {
						t.Errorf("%s %v, missing %d: leaf of %v = %v, want %v", mode, v, missing, x, got, want)
					}
				}
			}
		}
	}
}

// TestDoubleThresholds: a threshold between two float32 keeps its side.
func TestDoubleThresholds(t *testing.T) {
	for _, v := range []float64{0.1, -0.1, 1e300, -1e300, 1e-300, -1e-300, 16777217, 0.3333333333333333} {
		for _, x := range []float32{float32(v), math.Nextafter32(float32(v), inf32), math.Nextafter32(float32(v), -inf32)} {
			if got, want := x <= floor32(v), float64(x) <= v; got != want {
				t.Errorf("%v <= floor32(%v) is %v, want %v", x, v, got, want)
			}
			if got, want := x <= below32(v), float64(x) < v; got != want {
				t.Errorf("%v <= below32(%v) is %v, want %v", x, v, got, want)
			}
		}
	}
}

// TestDoubleAttributes: thresholds and weights given as a tensor of doubles.
func TestDoubleAttributes(t *testing.T) {
	var a treeAttrs
	a.branch(0, 0, 0, 0, 1, 2)
	a.leaf(0, 1, 1)
	a.leaf(0, 2, 2)
	a.value = nil
	// 0.1 lies below float32(0.1), so the row 0.1 goes right.
	values := msg{}.ints(1, 3).int(2, typeDouble).str(9, "\x9a\x99\x99\x99\x99\x99\xb9\x3f"+strings.Repeat("\x00", 16))
	m := mustLoad(t, chain(1, nil, a.nodeProto("nodes_values_as_tensor", values)))
	for x, want := range map[float32]float32{0.1: 2, math.Nextafter32(0.1, 0): 1} {
		if got := runOne(t, m, x)[0]; got != want {
			t.Errorf("leaf of %v = %v, want %v", x, got, want)
		}
	}
	a.value = vec(3)
	if _, err := Load(chain(1, nil, a.nodeProto("nodes_values_as_tensor", values)), Limits{}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("thresholds given twice: %v, want an error that says so", err)
	}
}

// slowTree evaluates the attribute arrays as they are, by definition.
func slowTree(a *treeAttrs, tree int64, row []float32) float32 {
	at := map[int64]int{}
	for i := range a.node {
		if a.tree[i] == tree {
			at[a.node[i]] = i
		}
	}
	i := at[0]
	for a.mode[i] != "LEAF" {
		x, v := row[a.feature[i]], a.value[i]
		yes := map[string]bool{"BRANCH_LEQ": x <= v, "BRANCH_EQ": x == v, "BRANCH_NEQ": x != v, "BRANCH_GT": x > v}[a.mode[i]]
		if yes || x != x && len(a.missing) > 0 && a.missing[i] != 0 {
			i = at[a.yes[i]]
		} else {
			i = at[a.no[i]]
		}
	}
	for j := range a.leafNode {
		if a.leafTree[j] == tree && a.leafNode[j] == a.node[i] {
			return a.weight[j]
		}
	}
	return 0
}

// TestEqualityChains: long chains of equality tests, as converted category
// splits are, stay linear in size and reach the right leaves.
func TestEqualityChains(t *testing.T) {
	for _, mode := range []string{"BRANCH_EQ", "BRANCH_NEQ"} {
		const length = 3000
		var a treeAttrs
		for i := range int64(length) {
			next, leaf := 2*i+2, 2*i+1
			if mode == "BRANCH_NEQ" {
				a.add(0, 2*i, 0, float32(i), next, leaf, mode)
			} else {
				a.add(0, 2*i, 0, float32(i), leaf, next, mode)
			}
			a.leaf(0, leaf, float32(i+1))
		}
		a.leaf(0, 2*length, -1)
		m := mustLoad(t, chain(1, nil, a.nodeProto()))
		for _, x := range []float32{0, 1, 2, 1500, length - 1, length, 0.5, -1, float32(math.NaN())} {
			want := float32(-1)
			if x >= 0 && x < length && x == float32(math.Floor(float64(x))) {
				want = x + 1
			}
			if got := runOne(t, m, x)[0]; got != want {
				t.Errorf("%s chain: leaf of %v = %v, want %v", mode, x, got, want)
			}
		}
	}
}

// TestRandomForests compares blocks, leftovers and single rows with the plain
// definition, over tree counts that do and do not divide by four.
func TestRandomForests(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	modes := []string{"BRANCH_LEQ", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_GT"}
	for trees := range int64(9) {
		var a treeAttrs
		for tree := range trees + 1 {
			growRandom(&a, rng, tree, modes)
		}
		a.missing = make([]int64, len(a.node))
		for i := range a.missing {
			a.missing[i] = rng.Int64N(2)
		}
		m := mustLoad(t, chain(3, nil, a.nodeProto()))
		n := 1 + rng.IntN(140)
		rows := make([]float32, 3*n)
		for i := range rows {
			rows[i] = float32(rng.IntN(5))
			if rng.IntN(200) == 0 {
				rows[i] = float32(math.NaN())
			}
		}
		s := m.NewSession(n)
		if err := s.Run(rows, n); err != nil {
			t.Fatal(err)
		}
		for r := range n {
			var want float32
			for tree := range trees + 1 {
				want += slowTree(&a, tree, rows[3*r:3*r+3])
			}
			if got := s.Output(0)[r]; got != want {
				t.Fatalf("%d trees, %d rows: row %d = %v, want %v", trees+1, n, r, got, want)
			}
		}
	}
}

// growRandom adds a lopsided tree whose node ids are in random order of growth.
func growRandom(a *treeAttrs, rng *rand.Rand, tree int64, modes []string) {
	fresh := int64(0)
	var grow func(depth int) int64
	grow = func(depth int) int64 {
		id := fresh
		fresh++
		if depth > 0 && (depth > 9 || rng.IntN(3) == 0) {
			a.leaf(tree, id, float32(rng.IntN(64)))
			return id
		}
		at := len(a.node)
		a.add(tree, id, rng.Int64N(3), float32(rng.IntN(5)), 0, 0, modes[rng.IntN(len(modes))])
		a.yes[at], a.no[at] = grow(depth+1), grow(depth+1)
		return id
	}
	grow(0)
}

// TestDeepTree: a chain as deep as its size neither recurses nor slows rows
// that leave it early.
func TestDeepTree(t *testing.T) {
	const depth = 100_000
	var a treeAttrs
	for i := range int64(depth) {
		a.branch(0, 2*i, 0, float32(i), 2*i+1, 2*i+2)
		a.leaf(0, 2*i+1, float32(i))
	}
	a.leaf(0, 2*depth, -1)
	m := mustLoad(t, chain(1, nil, a.nodeProto()))
	for _, x := range []float32{0, 5, depth - 1, depth} {
		want := x
		if x == depth {
			want = -1
		}
		if got := runOne(t, m, x)[0]; got != want {
			t.Errorf("leaf of %v = %v, want %v", x, got, want)
		}
	}
}

func ExampleModel_Outputs() {
	m, err := Load(stumpFile(), Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := m.NewSession(2)
	if err := s.Run([]float32{0, 0.25, 0, 0.75}, 2); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Inputs(), m.Outputs()[0].Name, s.Output(0))
	// Output: 2 y [10 20]
}
