package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// fuzzLimits keep one input to well under a millisecond.
var fuzzLimits = Limits{FileBytes: 1 << 16, Nodes: 64, Tensors: 128, Elements: 1 << 14, TreeNodes: 2048, Width: 256, RowFloats: 4096}

// fuzzRows fills rows with the values that expose unchecked conversions. Only the last
// few have NaN: with one in its lanes a row is walked.
func fuzzRows(n, features int) []float32 {
	odd := []float32{0, 1, -2.5, inf32, -inf32, 3e38, -1e-40, 1 << 25, float32(math.NaN())}
	rows := make([]float32, n*features)
	for i := range rows {
		choice := len(odd)
		if i/features < n-4 {
			choice--
		}
		rows[i] = odd[(i*7+i/features)%choice]
	}
	return rows
}

// FuzzLoad: any bytes either fail with one of the three kinds, or give a model
// that keeps its promises: it runs odd rows without panic, within the limits,
// with the same bits alone as in a batch, and loads the same way again.
func FuzzLoad(f *testing.F) {
	for _, name := range oracleNames(f) {
		if data := oracleModel(f, name); len(data) <= 2500 {
			f.Add(data)
		}
	}
	for seed := range uint64(8) { // of which some have all that leaves trees out
		r := rand.New(rand.NewPCG(seed, 17))
		f.Add(chain(3, nil, gatedTrees(r, 3).nodeProto()))
	}
	f.Fuzz(checkPromises)
}

// checkPromises is the property of FuzzLoad.
func checkPromises(t *testing.T, data []byte) {
	m, err := Load(data, fuzzLimits)
	if err != nil {
		if m != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrLimit) {
			t.Fatalf("Load = %v, %v; want nil and a known kind", m, err)
		}
		return
	}
	if m.Inputs() < 1 || m.Inputs() > fuzzLimits.Width || m.RowFloats() > fuzzLimits.RowFloats || len(m.Outputs()) == 0 {
		t.Fatalf("%d inputs, %d scratch, %d outputs", m.Inputs(), m.RowFloats(), len(m.Outputs()))
	}
	const n = 2*bitRows + 5 // put in order, in full and half full lanes
	rows := fuzzRows(n, m.Inputs())
	whole, one := m.NewSession(n), m.NewSession(1)
	if err := whole.Run(rows, n); err != nil {
		t.Fatal(err)
	}
	for r := range n {
		if err := one.Run(rows[r*m.Inputs():(r+1)*m.Inputs()], 1); err != nil {
			t.Fatal(err)
		}
		for i, o := range m.Outputs() {
			for j, got := range one.Output(i) {
				want := whole.Output(i)[r*o.Width+j]
				if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
					t.Fatalf("output %q column %d of row %d: %v alone, %v in a batch", o.Name, j, r, got, want)
				}
			}
		}
	}
}

// fuzzOps are the operators that fuzzed graphs are made of.
var fuzzOps = []opName{
	{"", "Add"},
	{"", "Sub"},
	{"", "Mul"},
	{"", "Max"},
	{"", "MatMul"},
	{"", "Gemm"},
	{"", "Relu"},
	{"", "Neg"},
	{"", "Softmax"},
	{"", "Concat"},
	{"", "Gather"},
	{"", "Slice"},
	{"", "Reshape"},
	{"", "Squeeze"},
	{"", "Unsqueeze"},
	{"", "Flatten"},
	{"", "Cast"},
	{"", "ReduceSum"},
	{"", "ArgMax"},
	{"", "Identity"},
	{"", "Transpose"},
	{"", "Clip"},
	{mlDomain, "ArrayFeatureExtractor"},
	{mlDomain, "Scaler"},
	{mlDomain, "Normalizer"},
	{mlDomain, "ZipMap"},
	{"", "Div"},
	{"", "Min"},
}

// program is fuzz input read as a sequence of small choices.
type program []byte

func (p *program) take(n int) int {
	if len(*p) == 0 {
		return 0
	}
	v := int((*p)[0]) % n
	*p = (*p)[1:]
	return v
}

// graphOf reads data as a program that writes a graph with odd shapes and
// attributes. Mutated bytes of a file rarely survive the nested lengths of
// protobuf; mutated programs always reach the compiler. Nodes it refuses are
// left out, so that long graphs come about.
func graphOf(data []byte) []byte {
	p := program(data)
	names := []string{"x", "f1", "f3", "f33", "i", "i2"}
	odd := func() int64 { return int64(p.take(9)) - 4 }
	g := graphParts{
		inputs: []msg{rowsOf("x", int64(1+p.take(4)))},
		tensors: []msg{
			floatTensor("f1", []float32{2}), floatTensor("f3", []float32{1, -2, 3}, 3), floatTensor("f33", vec(9), 3, 3),
			intTensor("i", []int64{odd()}, 1), intTensor("i2", []int64{odd(), odd()}, 2),
		},
	}
	for len(p) > 0 && len(g.nodes) < 24 {
		op := fuzzOps[p.take(len(fuzzOps))]
		var in []string
		for range 1 + p.take(4) {
			in = append(in, names[p.take(len(names))])
		}
		attrs := []any{"axis", p.take(5) - 2, "keepdims", p.take(2), "to", []int{1, 7, 11, 6}[p.take(4)], "transB", p.take(2)}
		if op.op == "Scaler" {
			attrs = []any{"offset", vec(p.take(4)), "scale", vec(p.take(4))}
		}
		out := outName(len(g.nodes))
		longer := g
		longer.nodes = append(longer.nodes, node(op.domain, op.op, in, []string{out}, attrs...))
		longer.outputs = []msg{msg{}.str(1, out)}
		_, err := Load(longer.model(), fuzzLimits)
		if err == nil || strings.HasSuffix(err.Error(), "is a constant") { // refused as an output only
			g, names = longer, append(names, out)
		}
	}
	if n := len(names); n > 7 { // a second output, so that it outlives others
		g.outputs = append(g.outputs, msg{}.str(1, names[6+p.take(n-7)]))
	}
	return g.model()
}

// FuzzGraph holds well-formed files with senseless graphs to FuzzLoad's rules.
func FuzzGraph(f *testing.F) {
	f.Add([]byte{3, 4, 5, 5, 1, 0, 2, 3, 0, 0, 0, 6, 0, 6, 3, 1, 0, 1, 3})
	f.Add([]byte{5, 6, 3, 10, 1, 0, 4, 3, 0, 0, 0, 9, 2, 6, 0, 6, 3, 0, 0, 0, 8, 0, 7, 3, 1, 0, 0})
	f.Add([]byte{3, 0, 0, 0, 0, 1, 1, 0, 2, 0, 0, 0, 0, 26, 1, 6, 2, 0, 0, 0, 0, 27, 1, 7, 1, 0, 0, 0, 0, 3, 1, 8, 2}) // a chain of one pass
	f.Fuzz(func(t *testing.T, data []byte) { checkPromises(t, graphOf(data)) })
}
