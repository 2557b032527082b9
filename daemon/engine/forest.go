package engine

// forest evaluates a tree ensemble to raw scores: y = Σ leaves (/ trees) + base
// per target. Sums run in tree order whatever the batch, so results do not
// depend on batching.
type forest struct {
	x, y  *buffer
	trees []tree
	nodes []treeNode // of all trees, one tree after the other

	// With one target each node has its leaf value at its own index; with
	// more, leafStart delimits the entries of node i.
	value     []float32
	leafStart []uint32
	entries   []leafEntry

	base    []float32 // one per target
	average bool

	shared bool       // branches share a subtree
	runs   []treeRun  // the trees by their gates
	bits   *bitForest // the same trees in a faster form, nil where they have none
}

// tree locates one tree's nodes and says how many steps reach any leaf.
type tree struct {
	first, count uint32
	depth        uint32
}

// leafEntry is what a leaf adds to one target.
type leafEntry struct {
	target uint32
	weight float32
}

// blockRows rows are pushed through a tree before the next tree is touched:
// enough to pay for bringing the tree into the cache, few enough that the rows
// stay there. A multiple of four.
const blockRows = 64

// run scores rows by bits where it can and by walks where not; both add the same
// leaves in the same order.
func (f *forest) run(m *memory, n int) {
	x, y := m.rows(f.x, n), m.rows(f.y, n)
	clear(y)
	if f.bits != nil {
		f.sumBits(m.lanes, x, y, n)
	} else {
		f.walkAll(x, y, n)
	}
	f.finish(y)
}

// walkAll sends rows in blocks of four and more through one tree after the other;
// the rows left over go one by one, four trees at a time. Either way four
// independent walks hide the latency of each other's loads.
func (f *forest) walkAll(x, y []float32, n int) {
	w, targets := f.x.width, len(f.base)
	for left := n; left > 0; {
		rows := min(left, blockRows)
		if rows >= 4 {
			rows &^= 3
			f.block(x[:rows*w], y[:rows*targets], rows)
		} else {
			rows = 1
			f.single(x[:w], y[:targets])
		}
		x, y, left = x[rows*w:], y[rows*targets:], left-rows
	}
}

// finish turns sums into scores.
func (f *forest) finish(y []float32) {
	scale := float32(len(f.trees))
	for ; len(y) >= len(f.base); y = y[len(f.base):] {
		for j, b := range f.base {
			if f.average {
				y[j] /= scale
			}
			y[j] += b
		}
	}
}

// block adds every tree to the sums of rows rows, a multiple of four.
func (f *forest) block(x, y []float32, rows int) {
	var leaf [blockRows]uint32
	nan := hasNaN(x)
	for i := range f.runs {
		if !f.runs[i].openAny(x, f.x.width, rows) {
			continue
		}
		for _, t := range f.runs[i].trees {
			nodes := f.nodes[t.first : t.first+t.count]
			if nan {
				walkRowsNaN(nodes, t.depth, x, uint32(f.x.width), leaf[:rows])
			} else {
				walkRows(nodes, t.depth, x, uint32(f.x.width), leaf[:rows])
			}
			f.addLeaves(t, y, leaf[:rows])
		}
	}
}

// addLeaves adds the leaf of each row to its sums.
func (f *forest) addLeaves(t tree, y []float32, leaf []uint32) {
	if f.value == nil {
		f.addEntries(t, y, leaf)
		return
	}
	value := f.value[t.first : t.first+t.count]
	for i, at := range leaf[:min(len(leaf), len(y))] {
		y[i] += value[at]
	}
}

// addEntries adds what the leaf of each row holds per target.
func (f *forest) addEntries(t tree, y []float32, leaf []uint32) {
	targets := len(f.base)
	for i, at := range leaf {
		f.addLeaf(y[i*targets:i*targets+targets], t.first+at)
	}
}

// addLeaf adds the leaf at node, an index over all trees, to one row's sums.
func (f *forest) addLeaf(y []float32, node uint32) {
	if f.value != nil {
		y[0] += f.value[node]
		return
	}
	for _, e := range f.entries[f.leafStart[node]:f.leafStart[node+1]] {
		y[e.target] += e.weight
	}
}

// single adds every tree to the sums of one row.
func (f *forest) single(row, y []float32) {
	nan := hasNaN(row)
	for i := range f.runs {
		if f.runs[i].open(row) {
			f.singleRun(f.runs[i].trees, row, y, nan)
		}
	}
}

// singleRun adds trees to the sums of one row.
func (f *forest) singleRun(trees []tree, row, y []float32, nan bool) {
	for ; len(trees) >= 4; trees = trees[4:] {
		var i, j, k, l uint32
		if nan {
			i, j, k, l = walkTreesNaN(f.nodes, (*[4]tree)(trees), row)
		} else {
			i, j, k, l = walkTrees(f.nodes, (*[4]tree)(trees), row)
		}
		f.addLeaf(y, i)
		f.addLeaf(y, j)
		f.addLeaf(y, k)
		f.addLeaf(y, l)
	}
	for _, t := range trees {
		nodes := f.nodes[t.first : t.first+t.count]
		if nan {
			f.addLeaf(y, t.first+walkNaN(nodes, row))
		} else {
			f.addLeaf(y, t.first+walk(nodes, t.depth, row))
		}
	}
}
