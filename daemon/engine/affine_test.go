package engine

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// standardised is one affine step with memory around its rows that must stay untouched.
type standardised struct {
	k           *affine
	width, rows int
	row         [capped + 1][]float32 // parameters, nil for a stage that is not there
	x, y        []float32
	room        []float32 // y with guards around it
}

// randomAffine draws parameters for some stages, and rows, a share of them odd.
func randomAffine(r *rand.Rand, width, rows int, odd float64) *standardised {
	l := &standardised{width: width, rows: rows, x: oddNumbers(r, rows*width, odd)}
	l.k = newAffine(&buffer{width: width}, &buffer{width: width})
	for s := range l.row {
		if r.IntN(3) > 0 {
			l.row[s] = oddNumbers(r, []int{1, width}[r.IntN(2)], odd/4)
			if err := l.k.set(newQuota(Limits{}, 0), stage(s), l.row[s]); err != nil {
				panic(err)
			}
		}
	}
	l.k.divide = r.IntN(2) == 0
	l.room = make([]float32, guard+rows*width+guard)
	l.y = l.room[guard:][: rows*width : rows*width]
	return l
}

// plain is the definition, without the stages that are not there.
func (l *standardised) plain(i int) float32 {
	v := l.x[i]
	at := func(s stage) (float32, bool) {
		if l.row[s] == nil {
			return 0, false
		}
		return l.row[s][i%l.width%len(l.row[s])], true
	}
	if c, ok := at(shifted); ok {
		v -= c
	}
	if c, ok := at(scaled); ok && l.k.divide {
		v /= c
	} else if ok {
		v = float32(v * c)
	}
	if c, ok := at(added); ok {
		v += c
	}
	if c, ok := at(raised); ok && v < c {
		v = c
	}
	if c, ok := at(capped); ok && v > c {
		v = c
	}
	return v
}

// check compares one form of the step with the definition.
func (l *standardised) check(run func(x, y []float32)) error {
	return checkRows(l.room, l.y, l.width, func() { run(l.x, l.y) }, l.plain)
}

func (l *standardised) checkBoth(t *testing.T) {
	t.Helper()
	at := fmt.Sprintf("%d rows of %d, stages %v, divide %v", l.rows, l.width, l.row, l.k.divide)
	if err := l.check(func(x, y []float32) { l.k.columns(x, y, 0) }); err != nil {
		t.Errorf("%s: scalar: %v", at, err)
	}
	if !hasVector {
		return
	}
	if err := l.check(l.k.vector); err != nil {
		t.Errorf("%s: vector: %v", at, err)
	}
	if err := l.check(func(x, y []float32) { copy(y, x); l.k.vector(y, y) }); err != nil {
		t.Errorf("%s: in place: %v", at, err)
	}
}

// TestStandardisingIsExact holds all forms of the step to the operators it stands for.
func TestStandardisingIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for _, width := range []int{1, 2, 5, 7, 8, 9, 15, 16, 17, 24, 31, 203} {
		for rows := range 6 {
			for range 12 {
				randomAffine(r, width, rows, float64(rows%3)/10).checkBoth(t)
			}
		}
	}
}

// FuzzAffine looks for shapes and values that part the forms or make one write outside its rows.
func FuzzAffine(f *testing.F) {
	f.Add(uint64(1), uint8(35), uint8(4))
	f.Add(uint64(2), uint8(8), uint8(1))
	f.Add(uint64(7), uint8(203), uint8(7))
	f.Fuzz(func(t *testing.T, seed uint64, width, rows uint8) {
		randomAffine(rand.New(rand.NewPCG(seed, 1)), 1+int(width), int(rows)%20, float64(seed%4)/5).checkBoth(t)
	})
}

// TestChainsAreOnePass: what standardises a row is one step, however the file says it, and
// computes what its operators say one by one.
func TestChainsAreOnePass(t *testing.T) {
	tensors := []msg{
		floatTensor("m", []float32{1, -2, 3}, 3), floatTensor("s", []float32{3, 0.1, 7}, 1, 3), floatTensor("two", []float32{2}),
		floatTensor("low", []float32{-1}), floatTensor("high", []float32{0.5}), floatTensor("highs", []float32{0.5, 2, 0.1}, 3),
	}
	op := func(name string, more ...string) func(in, out string) msg {
		return func(in, out string) msg {
			return node("", name, append([]string{in}, more...), []string{out})
		}
	}
	scaler := func(in, out string) msg {
		return node(mlDomain, "Scaler", []string{in}, []string{out}, "offset", []float32{1, -2, 3}, "scale", []float32{0.5, 3, 4})
	}
	flipped := func(name, first string) func(in, out string) msg {
		return func(in, out string) msg { return node("", name, []string{first, in}, []string{out}) }
	}
	for name, c := range map[string]struct {
		chain []func(in, out string) msg
		steps int
	}{
		"standardise":   {[]func(in, out string) msg{op("Sub", "m"), op("Div", "s"), op("Clip", "low", "high")}, 1},
		"times":         {[]func(in, out string) msg{op("Sub", "m"), op("Mul", "s"), op("Max", "low"), op("Min", "highs")}, 1},
		"minmax":        {[]func(in, out string) msg{op("Mul", "s"), op("Add", "m"), op("Clip", "low", "high")}, 1},
		"everything":    {[]func(in, out string) msg{op("Add", "m"), op("Mul", "s"), op("Sub", "two"), flipped("Max", "low"), op("Min", "high")}, 1},
		"scaler":        {[]func(in, out string) msg{scaler, op("Clip", "low", "high")}, 1},
		"two scalers":   {[]func(in, out string) msg{scaler, scaler}, 2},
		"wrong order":   {[]func(in, out string) msg{op("Min", "high"), op("Max", "low"), op("Mul", "s")}, 3},
		"mul twice":     {[]func(in, out string) msg{op("Mul", "s"), op("Div", "s")}, 2},
		"from the left": {[]func(in, out string) msg{flipped("Sub", "m"), flipped("Div", "s")}, 2},
		"three":         {[]func(in, out string) msg{op("Sum", "m", "two"), op("Max", "low", "m")}, 2},
	} {
		// Beside the chain, every value of it is an output of a second graph: that keeps them apart.
		var nodes []msg
		last := "x"
		apart := graphParts{inputs: []msg{rowsOf("x", 3)}, tensors: tensors}
		for i, f := range c.chain {
			out := outName(i)
			if i == len(c.chain)-1 {
				out = "y"
			}
			nodes = append(nodes, f(last, out))
			apart.outputs = append(apart.outputs, msg{}.str(1, out))
			last = out
		}
		apart.nodes = nodes
		one, all := mustLoad(t, chain(3, tensors, nodes...)), mustLoad(t, apart.model())
		if len(one.steps) != c.steps {
			t.Errorf("%s: %d steps, want %d", name, len(one.steps), c.steps)
		}
		rows := randomRows(rand.New(rand.NewPCG(3, 4)), 9, 3)
		rows[4], rows[5], rows[6] = float32(math.NaN()), inf32, -inf32
		a, b := one.NewSession(9), all.NewSession(9)
		if a.Run(rows, 9) != nil || b.Run(rows, 9) != nil {
			t.Fatal(name)
		}
		for i, got := range a.Output(0) {
			if want := b.Output(len(c.chain) - 1)[i]; got != want && (got == got || want == want) {
				t.Errorf("%s: value %d = %v in one pass, %v apart", name, i, got, want)
			}
		}
	}
}

// TestConstantsAreKept: a constant that one operator takes negated serves another as it is.
func TestConstantsAreKept(t *testing.T) {
	m := mustLoad(t, chain(2, []msg{floatTensor("c", []float32{1, 2}, 2)},
		node("", "Add", []string{"x", "c"}, []string{"a"}), node("", "Mul", []string{"a", "c"}, []string{"y"})))
	if got := runOne(t, m, 10, 20); got[0] != 11 || got[1] != 44 {
		t.Errorf("(x + c)·c = %v, want [11 44]", got)
	}
}

// TestNumbersForAllColumnsAreOnce: a small file may cut wide rows to a number as often as it
// likes; with a number for each column it has to bring them.
func TestNumbersForAllColumnsAreOnce(t *testing.T) {
	const width = 1 << 14
	tensors := []msg{floatTensor("two", []float32{2}), floatTensor("low", []float32{-1})}
	twenty := func(op, constant func(i int) string) (nodes []msg) {
		last := "x"
		for i := range 19 {
			nodes = append(nodes, node("", op(i), []string{last, constant(i)}, []string{outName(i)}))
			last = outName(i)
		}
		return append(nodes, node("", op(19), []string{last, constant(19)}, []string{"y"}))
	}
	nodes := twenty(func(i int) string { return []string{"Mul", "Max"}[i%2] }, func(i int) string { return []string{"two", "low"}[i%2] })
	m := mustLoad(t, chain(width, tensors, nodes...))
	s, rows := m.NewSession(1), make([]float32, width)
	rows[width-1] = -1
	if err := s.Run(rows, 1); err != nil {
		t.Fatal(err)
	}
	if y := s.Output(0); y[0] != 0 || y[width-1] != -1 {
		t.Errorf("first and last of twice at least -1, ten times = %v, %v; want 0, -1", y[0], y[width-1])
	}
	// One row that several operators of the same file use is charged to each.
	nodes = twenty(func(int) string { return "Mul" }, func(int) string { return "row" })
	_, err := Load(chain(width, []msg{floatTensor("row", vec(width), width)}, nodes...), Limits{})
	if !errors.Is(err, ErrLimit) {
		t.Errorf("twenty steps from one row: Load() = %v, want ErrLimit", err)
	}
}

// BenchmarkStandardise compares the forms on a row as wide as the threat model's.
func BenchmarkStandardise(b *testing.B) {
	for _, rows := range []int{1, 64} {
		l := randomAffine(rand.New(rand.NewPCG(1, 2)), 203, rows, 0)
		forms := map[string]func(x, y []float32){"scalar": func(x, y []float32) { l.k.columns(x, y, 0) }}
		if hasVector {
			forms["vector"] = l.k.vector
		}
		for name, form := range forms {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				for b.Loop() {
					form(l.x, l.y)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
			})
		}
	}
}
