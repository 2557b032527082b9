package engine

import (
	"go/parser"
	"go/token"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// TestPlanReuses: a chain of layers needs two buffers, not one per layer.
func TestPlanReuses(t *testing.T) {
	var nodes, tensors []msg
	last := "x"
	for i := range 10 {
		w, out := "w"+outName(i), "l"+outName(i)
		if i == 9 {
			out = "y"
		}
		tensors = append(tensors, floatTensor(w, vec(64), 8, 8))
		nodes = append(nodes, node("", "MatMul", []string{last, w}, []string{"m" + out}), node("", "Tanh", []string{"m" + out}, []string{out}))
		last = out
	}
	if got := mustLoad(t, chain(8, tensors, nodes...)).RowFloats(); got != 16 {
		t.Errorf("RowFloats() = %d for ten layers of 8, want 16", got)
	}
}

// TestPlanKeepsLiveValues: a value read long after its neighbours died is not
// overwritten, whatever shape of graph the planner meets.
func TestPlanKeepsLiveValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for round := range 50 {
		// Each node adds or negates earlier values of equal width; the same is
		// computed directly beside it.
		names, want := []string{"x"}, []float32{3}
		var nodes []msg
		for i := range 20 {
			a, b := rng.IntN(len(names)), rng.IntN(len(names))
			out := outName(i)
			if rng.IntN(3) == 0 {
				nodes = append(nodes, node("", "Neg", []string{names[a]}, []string{out}))
				want = append(want, -want[a])
			} else {
				nodes = append(nodes, node("", "Max", []string{names[a], names[b]}, []string{out}))
				want = append(want, max(want[a], want[b]))
			}
			names = append(names, out)
		}
		// The output reads a random earlier value and the last one.
		a := rng.IntN(len(names))
		nodes = append(nodes, node("", "Sub", []string{names[a], names[len(names)-1]}, []string{"y"}))
		m := mustLoad(t, chain(1, nil, nodes...))
		if got, want := runOne(t, m, 3)[0], want[a]-want[len(want)-1]; got != want {
			t.Fatalf("round %d: y = %v, want %v", round, got, want)
		}
	}
}

// TestDocumentation: the package documentation lists exactly the operators of
// the table.
func TestDocumentation(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(file.Doc.Text(), "# Subset")
	list, _, _ = strings.Cut(list, "Everything else is refused")
	listed := map[string]bool{}
	for line := range strings.Lines(list) {
		if !strings.HasPrefix(line, "\t") {
			continue
		}
		names := line[1:min(len(line), 31)] // the first column
		for name := range strings.FieldsFuncSeq(names, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
			listed[name] = true
		}
	}
	delete(listed, mlDomain)
	for op := range operators {
		if !listed[op.op] {
			t.Errorf("doc.go does not list %s", op.op)
		}
		delete(listed, op.op)
	}
	for name := range listed {
		t.Errorf("doc.go lists %s, the table does not have it", name)
	}
}

// TestConcurrentSessions: sessions of one model share nothing they write. Run
// with the race detector.
func TestConcurrentSessions(t *testing.T) {
	for _, name := range []string{"graph_mlp", "tree_mixed", "lightgbm_multiclass", "graph_shapes"} {
		m, c := loadOracle(t, name)
		rows, n := flat(c.Rows), len(c.Rows)
		want := flat(c.Outputs[len(c.Outputs)-1].Values)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s := m.NewSession(n)
				for range 20 {
					if err := s.Run(rows, n); err != nil {
						t.Error(err)
						return
					}
					for i, got := range s.Output(len(c.Outputs) - 1) {
						if !near(got, want[i]) {
							t.Errorf("%s: value %d = %v, want %v", name, i, got, want[i])
							return
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestFunctions checks the scalar functions where the naive formula breaks.
func TestFunctions(t *testing.T) {
	nan := float32(math.NaN())
	for _, tc := range []struct {
		name      string
		f         func(float32) float32
		x, wanted float32
	}{
		{"relu", relu, -1, 0},
		{"relu", relu, 2, 2},
		{"relu", relu, nan, nan},
		{"relu", relu, inf32, inf32},
		{"sigmoid", sigmoid32, -1000, 0},
		{"sigmoid", sigmoid32, 1000, 1},
		{"sigmoid", sigmoid32, 0, 0.5},
		{"softplus", softplus32, 1000, 1000},
		{"softplus", softplus32, -1000, 0},
		{"softplus", softplus32, 0, 0.6931472},
		{"tanh", tanh32, 1e-20, 1e-20},
		{"tanh", tanh32, 100, 1},
		{"log", log32, 0, -inf32},
		{"log", log32, -1, nan},
		{"sqrt", sqrt32, -1, nan},
		{"exp", exp32, 200, inf32},
	} {
		if got := tc.f(tc.x); got != tc.wanted && (got == got || tc.wanted == tc.wanted) {
			t.Errorf("%s(%v) = %v, want %v", tc.name, tc.x, got, tc.wanted)
		}
	}
	row := []float32{1000, 1000, -1000}
	if softmax(row); row[0] != 0.5 || row[1] != 0.5 || row[2] != 0 {
		t.Errorf("softmax(1000, 1000, -1000) = %v, want 0.5, 0.5, 0", row)
	}
}
