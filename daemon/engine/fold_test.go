package engine

import (
	"slices"
	"strings"
	"testing"
)

// TestFolding: what graphs do to a constant before adding it to x = (10, 20, 30).
func TestFolding(t *testing.T) {
	c := []string{"c"}
	ints := func(name string, vs ...int64) msg { return intTensor(name, vs, int64(len(vs))) }
	double := msg{}.ints(1, 3).int(2, typeDouble).str(8, "d").
		str(9, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x08\x40")
	tensors := []msg{
		floatTensor("f", []float32{1, 2, 3}, 3), floatTensor("m", []float32{1, 2, 3}, 1, 3), floatTensor("col", []float32{1, 2, 3}, 3, 1),
		floatTensor("m4", []float32{1, 2, 3}, 1, 3, 1, 1), ints("n", 1, 2, 3), double,
		ints("a0", 0), ints("a23", 2, -1), ints("to", 1, -1), ints("zero", 0, 1, 1), ints("bad", 2, -1), ints("free2", -1, -1), ints("a9", 9), ints("a00", 0, 0),
	}
	for _, tc := range []struct {
		op    string
		in    []string
		attrs []any
		want  string // of an error, "" for success
	}{
		{"Identity", []string{"f"}, nil, ""},
		{"Squeeze", []string{"m", "a0"}, nil, ""},
		{"Squeeze", []string{"m4", "a23"}, nil, ""},
		{"Squeeze", []string{"m4"}, nil, ""},
		{"Squeeze", []string{"col", "a0"}, nil, "squeeze of dimension 3"},
		{"Squeeze", []string{"f", "a9"}, nil, "axis out of range"},
		{"Unsqueeze", []string{"f", "a0"}, nil, ""},
		{"Unsqueeze", []string{"f", "a00"}, nil, "axis twice"},
		{"Unsqueeze", []string{"f"}, []any{"axes", []int64{0}}, ""},
		{"Reshape", []string{"col", "to"}, nil, ""},
		{"Reshape", []string{"col", "zero"}, nil, "3 1 1"}, // [3,1,1] does not broadcast
		{"Reshape", []string{"col", "bad"}, nil, "reshape of [3 1]"},
		{"Reshape", []string{"col", "free2"}, nil, "reshape of [3 1]"},
		{"Transpose", []string{"col"}, nil, ""},
		{"Transpose", []string{"m"}, []any{"perm", []int64{0, 1}}, "transposition"},
		{"Transpose", []string{"f"}, nil, "transposition"},
		{"Cast", []string{"n"}, []any{"to", typeFloat}, ""},
		{"Cast", []string{"d"}, []any{"to", typeFloat}, ""},
		{"Cast", []string{"f"}, []any{"to", typeInt64}, "to integers"},
		{"Constant", nil, []any{"value", floatTensor("", []float32{1, 2, 3}, 3)}, ""},
		{"Constant", nil, []any{"value_floats", []float32{1, 2, 3}}, ""},
		{"Constant", nil, []any{"value_ints", []int64{1, 2, 3}}, ""},
		{"Constant", nil, []any{"value_string", "a"}, `attribute "value_string"`},
		{"Constant", nil, nil, "no value"},
	} {
		data := chain(3, tensors, node("", tc.op, tc.in, c, tc.attrs...), node("", "Add", []string{"x", "c"}, []string{"y"}))
		m, err := Load(data, Limits{})
		if tc.want != "" {
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s%v %v: Load() = %v, want %q", tc.op, tc.in, tc.attrs, err, tc.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s%v %v: Load() = %v", tc.op, tc.in, tc.attrs, err)
			continue
		}
		if got, want := runOne(t, m, 10, 20, 30), []float32{11, 22, 33}; !slices.Equal(got, want) {
			t.Errorf("%s%v %v: y = %v, want %v", tc.op, tc.in, tc.attrs, got, want)
		}
	}
}

// TestColumns: the forms that choose columns of (10, 20, 30).
func TestColumns(t *testing.T) {
	tensors := []msg{intTensor("i", []int64{2, -3}, 2), intTensor("s", []int64{1}, 1), intTensor("e", []int64{-1 << 62}, 1), intTensor("a", []int64{-1}, 1), intTensor("big", []int64{-1 << 62}, 1)}
	for _, tc := range []struct {
		node msg
		want []float32
	}{
		{node("", "Gather", []string{"x", "i"}, []string{"y"}, "axis", -1), []float32{30, 10}},
		{node(mlDomain, "ArrayFeatureExtractor", []string{"x", "i"}, []string{"y"}), []float32{30, 10}},
		{node("", "Slice", []string{"x", "s", "e", "a", "a"}, []string{"y"}), []float32{20, 10}},
		{node("", "Slice", []string{"x", "s", "e", "a", "big"}, []string{"y"}), []float32{20}},
		{node("", "Concat", []string{"x", "x"}, []string{"y"}, "axis", 1), []float32{10, 20, 30, 10, 20, 30}},
	} {
		if got := runOne(t, mustLoad(t, chain(3, tensors, tc.node)), 10, 20, 30); !slices.Equal(got, tc.want) {
			t.Errorf("y = %v, want %v", got, tc.want)
		}
	}
}

// TestLookupStaysInside: an index that no ArgMax made takes the nearest entry.
func TestLookupStaysInside(t *testing.T) {
	m := mustLoad(t, chain(1, []msg{intTensor("t", []int64{5, 6, 7}, 3)},
		node("", "Cast", []string{"x"}, []string{"i"}, "to", typeInt64),
		node(mlDomain, "ArrayFeatureExtractor", []string{"t", "i"}, []string{"y"})))
	for x, want := range map[float32]float32{0: 5, 1.9: 6, 2: 7, 3: 7, -1: 5, inf32: 7, -inf32: 5, 1e30: 7} {
		if got := runOne(t, m, x)[0]; got != want {
			t.Errorf("entry %v = %v, want %v", x, got, want)
		}
	}
	if got := runOne(t, m, inf32-inf32)[0]; got != 5 {
		t.Errorf("entry NaN = %v, want 5", got)
	}
}
