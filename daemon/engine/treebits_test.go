package engine

import (
	"math"
	"math/rand/v2"
	"testing"
)

// randomForest is a regressor of lopsided trees, the first of the given number of
// leaves, the others of up to that. Tests repeat few thresholds, so that rows
// often lie exactly on them.
func randomForest(t *testing.T, r *rand.Rand, trees, leaves, features int) *forest {
	t.Helper()
	var a treeAttrs
	for tree := range int64(trees) {
		var fresh int64
		var grow func(leaves int) int64
		grow = func(leaves int) int64 {
			id := fresh
			fresh++
			if leaves == 1 {
				a.leaf(tree, id, float32(r.NormFloat64()))
				return id
			}
			at := len(a.node)
			a.branch(tree, id, r.Int64N(int64(features)), float32(r.IntN(7)-3)/2, 0, 0)
			left := 1 + r.IntN(leaves-1)
			a.yes[at], a.no[at] = grow(left), grow(leaves-left)
			return id
		}
		if tree == 0 {
			grow(leaves)
		} else {
			grow(1 + r.IntN(leaves))
		}
	}
	a.missing = make([]int64, len(a.node))
	for i := range a.missing {
		a.missing[i] = r.Int64N(2)
	}
	return onlyForest(t, mustLoad(t, chain(int64(features), nil, a.nodeProto())))
}

func onlyForest(t *testing.T, m *Model) *forest {
	t.Helper()
	f, ok := m.steps[0].kernel.(*forest)
	if !ok {
		t.Fatalf("the model's first step is %T, want a forest", m.steps[0].kernel)
	}
	return f
}

// treeRows draws rows on, beside and far from the thresholds of randomForest.
func treeRows(r *rand.Rand, n, features int, missing float64) []float32 {
	odd := []float32{inf32, -inf32, float32(math.Copysign(0, -1)), 1e-45, math.MaxFloat32}
	rows := make([]float32, n*features)
	for i := range rows {
		rows[i] = float32(r.IntN(15)-7) / 4
		if r.IntN(20) == 0 {
			rows[i] = odd[r.IntN(len(odd))]
		}
		if r.Float64() < missing {
			rows[i] = float32(math.NaN())
		}
	}
	return rows
}

// checkBits compares the sums by bits with those by walks, to the bit.
func checkBits(t *testing.T, f *forest, rows []float32, n int) {
	t.Helper()
	if f.bits == nil {
		t.Fatal("the forest has no bits")
	}
	walked, struck := make([]float32, n), make([]float32, n+1)
	struck[n] = untouched
	f.walkAll(rows, walked, n)
	f.sumBits(make([]column, maxBitColumns), rows, struck[:n:n], n)
	for i, want := range walked {
		if got := struck[i]; math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%d trees, %d columns, %d rows: row %d = %v by bits, %v by walk", len(f.trees), f.x.width, n, i, got, want)
		}
	}
	if struck[n] != untouched {
		t.Fatalf("%d rows: wrote behind the last", n)
	}
}

func needsBits(t *testing.T) {
	t.Helper()
	if !hasBits {
		t.Skip("this machine has no vector instructions for trees by bits")
	}
}

func TestBitsSumLikeWalks(t *testing.T) {
	needsBits(t)
	r := rand.New(rand.NewPCG(9, 10))
	for round := range 150 {
		features, n := 1+r.IntN(maxBitColumns), 1+r.IntN(40)
		f := randomForest(t, r, 1+r.IntN(20), 2+r.IntN(maxBitLeaves-1), features)
		checkBits(t, f, treeRows(r, n, features, float64(round%3)/500), n)
	}
}

// TestBitsOfFullWords: a tree that needs all 32 bits, each leaf reached.
func TestBitsOfFullWords(t *testing.T) {
	needsBits(t)
	var a treeAttrs
	const leaves = maxBitLeaves
	for i := range int64(leaves - 1) {
		a.branch(0, 2*i, 0, float32(i), 2*i+1, 2*i+2)
		a.leaf(0, 2*i+1, float32(i))
	}
	a.leaf(0, 2*leaves-2, leaves-1)
	f := onlyForest(t, mustLoad(t, chain(1, nil, a.nodeProto())))
	rows := vec(leaves)
	for i := range rows {
		rows[i] = float32(i)
	}
	checkBits(t, f, rows, leaves)
	got := make([]float32, leaves)
	f.sumBits(make([]column, maxBitColumns), rows, got, leaves)
	for i, v := range got {
		if v != float32(i) {
			t.Errorf("row %d ends in leaf %v", i, v)
		}
	}
}

// TestBitsForget: a missing value of an earlier row, in a lane that has no row now,
// sends nobody walking.
func TestBitsForget(t *testing.T) {
	needsBits(t)
	f := randomForest(t, rand.New(rand.NewPCG(19, 20)), 9, maxBitLeaves, 5)
	for rows := 1; rows <= bitRows; rows++ {
		for missing := range bitRows {
			lanes := make([]column, len(f.bits.columns))
			lanes[len(lanes)-1][missing] = float32(math.NaN())
			var sums column
			if got, want := f.bits.sum(lanes, &sums, rows), missing >= rows; got != want {
				t.Errorf("%d rows, a missing value in lane %d: summed %v, want %v", rows, missing, got, want)
			}
		}
	}
}

// TestBitsKnowTheirLimits: forests of other forms keep to walking.
func TestBitsKnowTheirLimits(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	small := func(change func(a *treeAttrs)) *forest {
		var a treeAttrs
		a.branch(0, 0, 0, 0.5, 1, 2)
		a.leaf(0, 1, 10)
		a.leaf(0, 2, 20)
		change(&a)
		return onlyForest(t, mustLoad(t, chain(300, nil, a.nodeProto())))
	}
	for name, c := range map[string]struct {
		f    *forest
		bits bool
	}{
		"small":    {small(func(*treeAttrs) {}), true},
		"equality": {small(func(a *treeAttrs) { a.mode[0] = "BRANCH_EQ" }), false},
		"leaf":     {small(func(a *treeAttrs) { *a = treeAttrs{}; a.leaf(0, 0, 1) }), false},
		"columns": {small(func(a *treeAttrs) {
			*a = treeAttrs{}
			for i := range int64(maxBitColumns + 1) {
				a.branch(i, 0, i, 0.5, 1, 2)
				a.leaf(i, 1, 10)
				a.leaf(i, 2, 20)
			}
		}), false},
		"leaves": {small(func(a *treeAttrs) {
			*a = treeAttrs{}
			for i := range int64(maxBitLeaves) {
				a.branch(0, 2*i, 0, float32(i), 2*i+1, 2*i+2)
				a.leaf(0, 2*i+1, float32(i))
			}
			a.leaf(0, 2*maxBitLeaves, -1)
		}), false},
		"random": {randomForest(t, r, 9, maxBitLeaves, 5), true},
	} {
		if got := newBitForest(c.f) != nil; got != c.bits {
			t.Errorf("%s: has bits %v, want %v", name, got, c.bits)
		}
	}
}

// FuzzBits looks for trees and rows on which striking out and walking part.
func FuzzBits(f *testing.F) {
	f.Add(uint64(1), uint8(16), uint8(31), uint8(36), uint8(9))
	f.Add(uint64(2), uint8(1), uint8(1), uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, trees, leaves, features, rows uint8) {
		needsBits(t)
		r := rand.New(rand.NewPCG(seed, 1))
		width, n := 1+int(features)%maxBitColumns, 1+int(rows)%20
		forest := randomForest(t, r, 1+int(trees)%24, 1+int(leaves)%maxBitLeaves, width)
		if forest.bits != nil {
			checkBits(t, forest, treeRows(r, n, width, float64(seed%3)/100), n)
		}
	})
}
