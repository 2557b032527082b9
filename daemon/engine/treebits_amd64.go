package engine

import "golang.org/x/sys/cpu"

// hasBits says whether the processor and the system know the instructions that
// treebits_amd64.s uses.
var hasBits = cpu.X86.HasAVX2

// sum writes the sum of all trees for the first rows rows, and what becomes of
// the others up to a multiple of eight, tree after tree, so that the order of
// additions is that of a walk. It reports false, having written nothing, where a
// column has a missing value.
func (b *bitForest) sum(columns *[maxBitColumns]column, sums *column, rows int) bool {
	return sumTrees(&columns[0], len(b.columns), &b.tests[0], &b.trees[0], len(b.trees), &b.values[0], sums, rows > panelWidth)
}

// sumTrees reads count columns, trees bitTrees, and the tests and values that
// those speak of; newBitForest has made sure that all are there, that offsets
// stay below count and that every row keeps a leaf. Without both it leaves the
// second eight rows alone.
//
//go:noescape
func sumTrees(columns *column, count int, tests *leafTest, tree *bitTree, trees int, values *float32, sums *column, both bool) bool
