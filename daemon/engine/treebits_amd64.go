package engine

import "golang.org/x/sys/cpu"

// hasBits says whether the processor and the system know the instructions that
// treebits_amd64.s uses.
var hasBits = cpu.X86.HasAVX2

// sum writes the sum of all trees for the first rows rows, and zeros for the others
// up to a multiple of eight, tree after tree, so that the order of additions is that
// of a walk. It reports false, having written nothing, where one of the rows has a
// missing value.
func (b *bitForest) sum(lanes []column, sums *column, rows int) bool {
	return sumTrees(&lanes[0], len(b.columns), &b.runs[0], len(b.runs), &b.tests[0], &b.trees[0], &b.values[0],
		&inUse[bitRows-rows], sums, rows > panelWidth)
}

// sumTrees reads the lanes of count columns, runs bitRuns, the trees, tests and values
// that those speak of, and sixteen words of use; newBitForest has made sure that all
// are there, that offsets stay below count and that every row keeps a leaf. Without
// both it leaves the second eight rows alone.
//
//go:noescape
func sumTrees(lanes *column, count int, run *bitRun, runs int, tests *leafTest, tree *bitTree, values *float32, use *int32, sums *column, both bool) bool
