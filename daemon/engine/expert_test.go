package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

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
