package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestArrange: every row once, kind after kind, and as they came within a kind.
func TestArrange(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for range 200 {
		n, w := 1+r.IntN(orderedRows), maxOrders+r.IntN(3)
		x := treeRows(r, n, w, 0.01)
		var tests []rowTest
		for column := range r.IntN(maxOrders + 1) {
			tests = append(tests, rowTest{column, float32(r.IntN(3)-1) / 2})
		}
		kind := func(row uint8) (k int) {
			for _, t := range tests {
				k = 2*k + int(bit(x[int(row)*w+t.column] > t.threshold))
			}
			return k
		}
		got := make([]uint8, n)
		arrange(got, tests, x, w)
		want := make([]uint8, n)
		for i := range want {
			want[i] = uint8(i)
		}
		if n > bitRows { // fewer share their lanes in any order
			slices.SortStableFunc(want, func(a, b uint8) int { return kind(a) - kind(b) })
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d rows by %d tests: order %v, want %v", n, len(tests), got, want)
		}
	}
}

// TestOrders: tests of any gates, each once, and not too many.
func TestOrders(t *testing.T) {
	gates := func(columns ...int) (run treeRun) {
		for _, c := range columns {
			run.gates = append(run.gates, gate{test: treeNode{1, uint32(c)}})
		}
		return run
	}
	inside := gates(3)
	inside.gates[0].pass = 1 // the other side of the same test
	for name, c := range map[string]struct {
		runs []treeRun
		want []int
	}{
		"none":    {[]treeRun{gates()}, nil},
		"some":    {[]treeRun{gates(), gates(3), gates(), inside, gates(2, 3), gates(4, 1)}, []int{3, 2, 4, 1}},
		"limited": {[]treeRun{gates(1, 2), gates(3, 4), gates(5, 6), gates(7, 8)}, []int{1, 2, 3, 4, 5, 6}},
	} {
		var got []int
		for _, o := range orders(c.runs) {
			got = append(got, o.column)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: ordered by columns %v, want %v", name, got, c.want)
		}
	}
}
