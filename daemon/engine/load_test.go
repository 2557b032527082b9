package engine

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// mustLoad loads a file the test built itself.
func mustLoad(t *testing.T, data []byte) *Model {
	t.Helper()
	m, err := Load(data, Limits{})
	if err != nil {
		t.Fatalf("Load() = %v", err)
	}
	return m
}

// runOne returns output 0 for one row.
func runOne(t *testing.T, m *Model, row ...float32) []float32 {
	t.Helper()
	s := m.NewSession(1)
	if err := s.Run(row, 1); err != nil {
		t.Fatalf("Run(%v) = %v", row, err)
	}
	return s.Output(0)
}

func vec(n int) []float32 { return make([]float32, n) }

// TestRefusals: what is wrong is an error of the right kind that names it.
func TestRefusals(t *testing.T) {
	x, y := []string{"x"}, []string{"y"}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	relu := func(in, out string) msg { return node("", "Relu", []string{in}, []string{out}) }
	withW := func(w msg, attrs ...any) []byte {
		return chain(2, []msg{w}, node("", "Gemm", []string{"x", "w"}, y, attrs...))
	}
	subgraph := msg{}.str(2, "y").str(4, "Relu").str(1, "x").sub(5, msg{}.str(1, "body").sub(6, msg{}))
	external := msg{}.ints(1, 2, 2).int(2, typeFloat).str(8, "w").int(14, 1)
	for _, tc := range []struct {
		name string
		data []byte
		kind error
		want string // part of the message
	}{
		{"empty file", nil, ErrMalformed, "ir_version"},
		{"no graph", msg{}.int(1, 8).sub(8, msg{}.int(2, 17)), ErrMalformed, "no graph"},
		{"two graphs", msg(chain(2, nil, relu("x", "y"))).sub(7, msg{}), ErrMalformed, "two graphs"},
		{"opset twice", msg(chain(2, nil, relu("x", "y"))).sub(8, msg{}.str(1, "ai.onnx").int(2, 16)), ErrMalformed, "twice"},
		{"future opset", graphParts{opset: 99}.model(), ErrUnsupported, "opset 99"},
		{"ancient opset", graphParts{opset: 6}.model(), ErrUnsupported, "opset 6"},
		{"unknown operator", chain(2, nil, node("", "LSTM", x, y)), ErrUnsupported, `operator "LSTM" (node "y")`},
		{"foreign domain", chain(2, nil, node("com.example", "Relu", x, y)), ErrUnsupported, `"com.example.Relu"`},
		{"subgraph", chain(2, nil, subgraph), ErrUnsupported, "subgraph"},
		{"function", msg(chain(2, nil, relu("x", "y"))).sub(25, msg{}), ErrUnsupported, "functions"},
		{"external data", withW(external), ErrUnsupported, "external data"},
		{"NaN weight", withW(floatTensor("w", []float32{1, 2, nan, 4}, 2, 2)), ErrMalformed, "element 2 is NaN"},
		{"infinite weight", withW(floatTensor("w", []float32{1, inf, 3, 4}, 2, 2)), ErrMalformed, "element 1 is +Inf"},
		{"overflowing scale", withW(floatTensor("w", []float32{1, 3e38, 3, 4}, 2, 2), "alpha", float32(2)), ErrMalformed, "+Inf"},
		{"wrong rows", withW(floatTensor("w", vec(6), 3, 2)), ErrMalformed, "2 columns times 3 rows"},
		{"transA", withW(floatTensor("w", vec(4), 2, 2), "transA", 1), ErrUnsupported, "transA"},
		{"attribute type", withW(floatTensor("w", vec(4), 2, 2), "alpha", 1), ErrMalformed, `"alpha" has the wrong type`},
		{"short tensor", withW(floatTensor("w", vec(3), 2, 2)), ErrMalformed, "wants 4 numbers, data has 3"},
		{"huge dims", withW(floatTensor("w", nil, 1<<40, 1<<40)), ErrLimit, "numbers"},
		{"negative dim", withW(floatTensor("w", nil, -2, 2)), ErrMalformed, "dimension -2"},
		{"empty matrix", withW(floatTensor("w", nil, 2, 0)), ErrMalformed, "empty"},
		{"string tensor", withW(msg{}.ints(1, 1).int(2, 8).str(8, "w").str(6, "a")), ErrUnsupported, "strings"},
		{"cycle", chain(2, nil, node("", "Add", []string{"x", "b"}, []string{"a"}), relu("a", "b"), relu("b", "y")), ErrMalformed, `"b" is not defined`},
		{"defined twice", chain(2, nil, relu("x", "y"), relu("x", "y")), ErrMalformed, "already defined"},
		{"undefined output", chain(2, nil, relu("x", "z")), ErrMalformed, `output "y"`},
		{"constant output", chain(2, nil, node("", "Constant", nil, y, "value_float", float32(1))), ErrUnsupported, "constant"},
		{"two inputs", graphParts{nodes: []msg{relu("x", "y")}, inputs: []msg{rowsOf("x", 2), rowsOf("z", 2)}, outputs: []msg{msg{}.str(1, "y")}}.model(), ErrUnsupported, `second input "z"`},
		{"no features", chain(0, nil, relu("x", "y")), ErrUnsupported, "[batch, features]"},
		{"wide input", chain(1<<40, nil, relu("x", "y")), ErrLimit, "values per row"},
		{"row reshape", chain(4, []msg{intTensor("to", []int64{-1, 2}, 2)}, node("", "Reshape", []string{"x", "to"}, y)), ErrUnsupported, "reshape of rows of 4"},
		{"gather index", chain(4, []msg{intTensor("i", []int64{4}, 1)}, node("", "Gather", []string{"x", "i"}, y, "axis", 1)), ErrMalformed, "column index"},
		{"gather rows", chain(4, []msg{intTensor("i", []int64{0}, 1)}, node("", "Gather", []string{"x", "i"}, y)), ErrUnsupported, "axis 0"},
		{"broadcast", chain(4, []msg{floatTensor("c", vec(3), 3)}, node("", "Add", []string{"x", "c"}, y)), ErrUnsupported, "4 columns"},
		{"cast to string", chain(4, nil, node("", "Cast", x, y, "to", 8)), ErrUnsupported, "element type 8"},
		{"integer division", chain(4, nil, node("", "ArgMax", x, []string{"i"}, "axis", 1), node("", "Div", []string{"i", "i"}, y)), ErrUnsupported, "integer arithmetic"},
		{"training", chain(2, []msg{floatTensor("p", vec(2), 2)}, node("", "BatchNormalization", []string{"x", "p", "p", "p", "p"}, y, "training_mode", 1)), ErrUnsupported, "training"},
		{"negative variance", chain(1, []msg{floatTensor("p", []float32{-5}, 1)}, node("", "BatchNormalization", []string{"x", "p", "p", "p", "p"}, y)), ErrMalformed, "NaN"},
		{"group field", msg(protowire.AppendTag(nil, 3, protowire.StartGroupType)), ErrMalformed, "wire type"},
	} {
		_, err := Load(tc.data, Limits{})
		if !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Load(%s) = %v, want %v with %q", tc.name, err, tc.kind, tc.want)
		}
	}
}

// TestLimits: each field of Limits bites, and the defaults do not.
func TestLimits(t *testing.T) {
	data := oracleModel(t, "graph_shapes")
	tree := oracleModel(t, "tree_mixed")
	for _, tc := range []struct {
		name string
		data []byte
		lim  Limits
		want string
	}{
		{"FileBytes", data, Limits{FileBytes: len(data) - 1}, "bytes"},
		{"Nodes", data, Limits{Nodes: 5}, "graph nodes"},
		{"Tensors", data, Limits{Tensors: 5}, "tensors"},
		{"Elements", data, Limits{Elements: 20}, "numbers"},
		{"Width", data, Limits{Width: 10}, "values per row"},
		{"RowFloats", data, Limits{RowFloats: 10}, "scratch"},
		{"TreeNodes", tree, Limits{TreeNodes: 30}, "tree nodes"},
	} {
		if _, err := Load(tc.data, tc.lim); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Load with %s %+v = %v, want ErrLimit about %q", tc.name, tc.lim, err, tc.want)
		}
		if _, err := Load(tc.data, Limits{}); err != nil {
			t.Errorf("Load with default limits = %v", err)
		}
	}
}

// TestPrefixes: a file cut anywhere is refused. Only a cut exactly between two
// top-level fields after everything needed is legal protobuf, and these files
// end with the operator sets, which are needed.
func TestPrefixes(t *testing.T) {
	for _, data := range [][]byte{
		chain(2, []msg{floatTensor("w", vec(6), 2, 3)}, node("", "MatMul", []string{"x", "w"}, []string{"h"}),
			node(mlDomain, "Scaler", []string{"h"}, []string{"y"}, "offset", vec(3), "scale", vec(3))),
		stumpFile(),
	} {
		mustLoad(t, data)
		for n := range len(data) {
			if _, err := Load(data[:n], Limits{}); err == nil {
				t.Errorf("Load of the first %d of %d bytes succeeded", n, len(data))
			}
		}
	}
}

// TestOraclePrefixes: cut files of every kind never panic, and all cuts inside
// the graph fail. Cuts after it may load: then metadata is missing, no weight.
func TestOraclePrefixes(t *testing.T) {
	for _, name := range oracleNames(t) {
		data := oracleModel(t, name)
		step := 1 + len(data)/400
		for n := 0; n < len(data)*9/10; n += step {
			if _, err := Load(data[:n], Limits{}); err == nil {
				t.Errorf("%s: Load of the first %d of %d bytes succeeded", name, n, len(data))
			}
		}
	}
}

// TestAmplification: small files that ask for much get little. Each would take
// gigabytes if its requests were believed.
func TestAmplification(t *testing.T) {
	weights := floatTensor("w", vec(64*64), 64, 64)
	var share, double []msg
	last := "x"
	for i := range 2000 {
		out := "h" + string(rune('a'+i%26)) + strings.Repeat("i", i/26)
		share = append(share, node("", "MatMul", []string{"x", "w"}, []string{out}))
		if i < 40 {
			double = append(double, node("", "Concat", []string{last, last}, []string{out}, "axis", 1))
			last = out
		}
	}
	for i := range share { // make every product live
		from := "x"
		if i > 0 {
			from = outName(i - 1)
		}
		share[i] = node("", "MatMul", []string{from, "w"}, []string{outName(i)})
	}
	share = append(share, node("", "Relu", []string{outName(1999)}, []string{"y"}))
	var sums []msg
	for i := range 100 {
		in := slices.Repeat([]string{"x"}, maxArity-1)
		if i > 0 {
			in[0] = outName(i - 1)
		}
		sums = append(sums, node("", "Sum", in, []string{outName(i)}))
	}
	sums = append(sums, node("", "Relu", []string{outName(99)}, []string{"y"}))
	double = append(double, node("", "Relu", []string{last}, []string{"y"}))
	for _, tc := range []struct {
		name string
		data []byte
	}{
		{"one weight used 2000 times", chain(64, []msg{weights}, share...)},
		{"width doubled 40 times", chain(2, nil, double...)},
		{"one value added up 100,000 times", chain(1, nil, sums...)},
		{"n_targets", chain(2, nil, (&treeAttrs{}).nodeProto("n_targets", 1<<40))},
		{"targets", chain(2, nil, node(mlDomain, "LinearRegressor", []string{"x"}, []string{"y"}, "targets", 1<<40, "coefficients", vec(2)))},
		{"axes", chain(2, []msg{intTensor("a", make([]int64, 1<<16), 1<<16), floatTensor("c", vec(1), 1)}, node("", "Unsqueeze", []string{"c", "a"}, []string{"y"}))},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Load(tc.data, Limits{})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: Load succeeded", tc.name)
		}
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(64*len(tc.data)+4<<20); got > limit {
			t.Errorf("%s: Load of %d bytes allocated %d, want at most %d (%v)", tc.name, len(tc.data), got, limit, err)
		}
	}
}

func outName(i int) string { return "h" + strings.Repeat("i", i/26) + string(rune('a'+i%26)) }

// TestRunArguments: what Run refuses, and that the outputs then stand.
func TestRunArguments(t *testing.T) {
	m := mustLoad(t, chain(2, nil, node("", "Neg", []string{"x"}, []string{"y"})))
	s := m.NewSession(2)
	if got := s.Output(0); len(got) != 0 {
		t.Errorf("Output before Run has %d values", len(got))
	}
	if err := s.Run([]float32{1, 2}, 1); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		rows []float32
		n    int
	}{{vec(6), 3}, {vec(3), 1}, {vec(4), 1}, {nil, -1}, {nil, 1}} {
		if err := s.Run(tc.rows, tc.n); err == nil {
			t.Errorf("Run(%d values, %d) succeeded", len(tc.rows), tc.n)
		}
	}
	if got := s.Output(0); len(got) != 2 || got[0] != -1 || got[1] != -2 {
		t.Errorf("Output after refused runs = %v, want [-1 -2]", got)
	}
	if err := s.Run(nil, 0); err != nil || len(s.Output(0)) != 0 {
		t.Errorf("Run(nil, 0) = %v with %d values, want nil and none", err, len(s.Output(0)))
	}
}

// TestOutputsOwnTheirMemory: outputs that name the same data, or the input, are
// copies of each other, and running does not write to the caller's rows.
func TestOutputsOwnTheirMemory(t *testing.T) {
	g := graphParts{
		nodes: []msg{
			node("", "Identity", []string{"x"}, []string{"same"}),
			node("", "Neg", []string{"x"}, []string{"n"}),
			node("", "Identity", []string{"n"}, []string{"n2"}),
			node("", "Abs", []string{"n"}, []string{"a"}),
		},
		inputs:  []msg{rowsOf("x", 1)},
		outputs: []msg{msg{}.str(1, "same"), msg{}.str(1, "n"), msg{}.str(1, "n2"), msg{}.str(1, "a")},
	}
	m := mustLoad(t, g.model())
	s, rows := m.NewSession(1), []float32{3}
	if err := s.Run(rows, 1); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{3, -3, -3, 3} {
		if got := s.Output(i)[0]; got != want {
			t.Errorf("output %d = %v, want %v", i, got, want)
		}
		s.Output(i)[0] = 99
	}
	if rows[0] != 3 {
		t.Errorf("the caller's row became %v", rows[0])
	}
}

// TestMetadata: metadata_props come back, as a copy.
func TestMetadata(t *testing.T) {
	m := mustLoad(t, msg(chain(1, nil, node("", "Neg", []string{"x"}, []string{"y"}))).sub(14, msg{}.str(1, "name").str(2, "toy")))
	m.Metadata()["name"] = "changed"
	if got := m.Metadata()["name"]; got != "toy" {
		t.Errorf("Metadata()[name] = %q, want toy", got)
	}
}
