package engine

import "math"

// A small tree needs no walk: each test strikes out the leaves that a row
// failing it cannot reach, and the leaf that a row ends in is the first one left
// ("QuickScorer", Lucchese et al., SIGIR 2015). No step waits for the one
// before and none is a guess, so eight or sixteen rows go through a test at a time.
//
// It costs as much for one row as for eight, and takes every test of a tree
// where a walk takes one a level; it wins up to the 32 leaves that a word has bits
// for, which is what boosting libraries grow by default.

const (
	maxBitLeaves  = 32
	maxBitColumns = 128 // columns that the tests of a forest read; bounds a session's lanes
)

// leafTest is one branch: rows whose value is above the threshold go right and
// lose the leaves on the left.
type leafTest struct {
	threshold float32
	strike    uint32 // a bit for each leaf of the left subtree
	offset    uint32 // of the column's lanes, in bytes
}

// bitTree says how many of the tests and values belong to a tree.
type bitTree struct{ tests, leaves uint32 }

// bitGate is a gate over lanes: rows whose value is above the threshold go right.
type bitGate struct {
	threshold float32
	offset    uint32 // of the column's lanes, in bytes
	left      uint32 // all ones where the rows that go left pass, else 0
}

// bitRun is a treeRun without the gates' tests and zeros in its trees: rows that
// do not pass all gates get nothing of it, and where none passes it is left out.
type bitRun struct {
	gates  [maxGates]bitGate // open to all where there are fewer
	trees  uint32
	tests  uint32 // of all its trees, as leaves
	leaves uint32
}

// bitForest is a forest of one target whose trees are all small.
type bitForest struct {
	columns []uint32 // of the row, in the order of their lanes
	orders  []rowTest
	runs    []bitRun
	tests   []leafTest
	trees   []bitTree
	values  []float32 // of the leaves, from left to right
}

// newBitForest gives nil where f does not have the form: a tree is too large, the
// tests read too many columns, leaves hold more than one number, or two
// branches share a subtree, as expanded tests of equality do.
func newBitForest(f *forest) *bitForest {
	if f.value == nil || f.shared {
		return nil
	}
	b, lane := &bitForest{orders: orders(f.runs)}, map[uint32]uint32{}
	for _, run := range f.runs {
		if !b.addRun(f, run, lane) {
			return nil
		}
	}
	if len(b.tests) == 0 || len(b.columns) > maxBitColumns {
		return nil
	}
	return b
}

// addRun reports whether all trees of the run are small enough.
func (b *bitForest) addRun(f *forest, run treeRun, lane map[uint32]uint32) bool {
	r := bitRun{trees: uint32(len(run.trees))}
	for i := range r.gates {
		// No value is above +Inf: all rows go left, and all pass.
		r.gates[i] = bitGate{threshold: inf32, left: math.MaxUint32}
		if i < len(run.gates) {
			g := run.gates[i]
			r.gates[i] = bitGate{g.test.threshold, b.offset(g.test.feature(), lane), -(1 - g.pass)}
		}
	}
	firstTest, firstLeaf := len(b.tests), len(b.values)
	for _, t := range run.trees {
		if int(t.count)-2*len(run.gates) > 2*maxBitLeaves-1 {
			return false
		}
		nodes, tests, leaves := f.nodes[t.first:t.first+t.count], len(b.tests), len(b.values)
		b.grow(nodes, f.value[t.first:t.first+t.count], behind(nodes, run.gates), leaves, lane)
		b.trees = append(b.trees, bitTree{uint32(len(b.tests) - tests), uint32(len(b.values) - leaves)})
	}
	r.tests, r.leaves = uint32(len(b.tests)-firstTest), uint32(len(b.values)-firstLeaf)
	b.runs = append(b.runs, r)
	return true
}

// offset gives a column its lanes.
func (b *bitForest) offset(column uint32, lane map[uint32]uint32) uint32 {
	if _, known := lane[column]; !known {
		lane[column] = uint32(len(b.columns))
		b.columns = append(b.columns, column)
	}
	return lane[column] * columnBytes
}

// grow adds node i and what is below it to the tree whose first leaf is first. It
// is called for small trees only, so it may recurse.
func (b *bitForest) grow(nodes []treeNode, value []float32, i uint32, first int, lane map[uint32]uint32) {
	n := nodes[i]
	if n.left() == i {
		b.values = append(b.values, value[i])
		return
	}
	at, from := len(b.tests), len(b.values)-first
	b.tests = append(b.tests, leafTest{threshold: n.threshold, offset: b.offset(n.feature(), lane)})
	b.grow(nodes, value, n.left(), first, lane)
	b.tests[at].strike = uint32(uint64(1)<<(len(b.values)-first) - uint64(1)<<from)
	b.grow(nodes, value, n.left()+1, first, lane)
}

// bitRows is how many rows are scored at a time. A second vector of eight costs
// half as much as the first: the test itself is already at hand.
const bitRows = 2 * panelWidth

// column holds one column of that many rows.
type column [bitRows]float32

const columnBytes = 4 * bitRows

// inUse, from bitRows-n on, is all ones for n lanes and then zeros. A lane without a
// row must pass no gate: what it holds is of an earlier row or of none.
var inUse = func() (mask [2 * bitRows]int32) {
	for i := range bitRows {
		mask[i] = -1
	}
	return mask
}()

// spread lays the columns of those rows of x, of width w, side by side. Places without
// a row keep what they have: what becomes of it is not used.
func (b *bitForest) spread(lanes []column, x []float32, w int, rows []uint8) {
	columns := b.columns
	lanes = lanes[:len(columns)]
	for lane, r := range rows[:min(len(rows), bitRows)] {
		row := x[int(r)*w : int(r)*w+w]
		for i, c := range columns {
			lanes[i][lane] = row[c]
		}
	}
}

// sumBits adds every tree to the sums of n rows. Rows with missing values walk.
func (f *forest) sumBits(lanes []column, x, y []float32, n int) {
	var order [orderedRows]uint8
	w := f.x.width
	for left := n; left > 0; {
		rows := min(left, orderedRows)
		arrange(order[:rows], f.bits.orders, x, w)
		for at := 0; at < rows; at += bitRows {
			f.sumLanes(lanes, x, y, order[at:min(at+bitRows, rows)])
		}
		x, y, left = x[rows*w:], y[rows:], left-rows
	}
}

// sumLanes does so for at most bitRows rows.
func (f *forest) sumLanes(lanes []column, x, y []float32, rows []uint8) {
	w := f.x.width
	f.bits.spread(lanes, x, w, rows)
	var sums column
	if f.bits.sum(lanes, &sums, len(rows)) {
		for lane, r := range rows {
			y[r] = sums[lane]
		}
		return
	}
	for _, row := range rows {
		r := int(row)
		f.single(x[r*w:r*w+w], y[r:r+1])
	}
}
