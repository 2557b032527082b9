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

func (f *forest) run(m memory, n int) {
	x, y := m.rows(f.x, n), m.rows(f.y, n)
	clear(y)
	if f.value != nil {
		f.runSingle(x, y)
	} else {
		f.runMulti(x, y)
	}
	targets := len(f.base)
	scale := float32(len(f.trees))
	for i := range n {
		for j, b := range f.base {
			if f.average {
				y[i*targets+j] /= scale
			}
			y[i*targets+j] += b
		}
	}
}

// runSingle handles one target. Rows go in blocks of four through one tree
// after the other; the rows left over go one by one, four trees at a time.
// Either way four independent walks hide the latency of each other's loads.
func (f *forest) runSingle(x, y []float32) {
	w := f.x.width
	for ; len(y) >= blockRows; x, y = x[blockRows*w:], y[blockRows:] {
		f.block(x[:blockRows*w], y[:blockRows])
	}
	for ; len(y) >= 4; x, y = x[4*w:], y[4:] {
		f.block(x[:4*w], y[:4])
	}
	for i := range y {
		y[i] = f.single(x[i*w : i*w+w])
	}
}

// blockRows rows are pushed through a tree before the next tree is touched:
// enough to pay for bringing the tree into the cache, few enough that the rows
// stay there. A multiple of four.
const blockRows = 64

// block adds every tree's value to y for len(y) rows, a multiple of four.
func (f *forest) block(x, y []float32) {
	w := f.x.width
	nan := hasNaN(x)
	for _, t := range f.trees {
		nodes := f.nodes[t.first : t.first+t.count]
		value := f.value[t.first : t.first+t.count]
		rows := x
		for out := y; len(out) >= 4; out, rows = out[4:], rows[4*w:] {
			var i, j, k, l uint32
			if nan {
				i, j = walkNaN(nodes, rows[:w]), walkNaN(nodes, rows[w:2*w])
				k, l = walkNaN(nodes, rows[2*w:3*w]), walkNaN(nodes, rows[3*w:4*w])
			} else {
				i, j, k, l = walk4(nodes, t.depth, rows[:w], rows[w:2*w], rows[2*w:3*w], rows[3*w:4*w])
			}
			out[0] += value[i]
			out[1] += value[j]
			out[2] += value[k]
			out[3] += value[l]
		}
	}
}

// single returns the sum of all trees for one row.
func (f *forest) single(row []float32) float32 {
	var s float32
	trees := f.trees
	if hasNaN(row) {
		for _, t := range trees {
			s += f.value[t.first+walkNaN(f.nodes[t.first:t.first+t.count], row)]
		}
		return s
	}
	for ; len(trees) >= 4; trees = trees[4:] {
		i, j, k, l := walkTrees(f.nodes, (*[4]tree)(trees), row)
		s += f.value[i]
		s += f.value[j]
		s += f.value[k]
		s += f.value[l]
	}
	for _, t := range trees {
		s += f.value[t.first+walk(f.nodes[t.first:t.first+t.count], t.depth, row)]
	}
	return s
}

// runMulti handles several targets, row blocks through tree after tree.
func (f *forest) runMulti(x, y []float32) {
	w, targets := f.x.width, len(f.base)
	for len(y) > 0 {
		rows := min(len(y)/targets, blockRows)
		nan := hasNaN(x[:rows*w])
		for _, t := range f.trees {
			nodes := f.nodes[t.first : t.first+t.count]
			starts := f.leafStart[t.first : t.first+t.count+1]
			for r := range rows {
				row, out := x[r*w:r*w+w], y[r*targets:r*targets+targets]
				var at uint32
				if nan {
					at = walkNaN(nodes, row)
				} else {
					at = walk(nodes, t.depth, row)
				}
				for _, entry := range f.entries[starts[at]:starts[at+1]] {
					out[entry.target] += entry.weight
				}
			}
		}
		x, y = x[rows*w:], y[rows*targets:]
	}
}

// hasNaN decides between the walks with and without missing values.
func hasNaN(x []float32) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// walk returns the leaf of a row without NaN.
func walk(nodes []treeNode, depth uint32, row []float32) uint32 {
	var i uint32
	for range depth {
		n := nodes[i]
		next := n.next(row[n.feature()])
		if next == i {
			break // a leaf
		}
		i = next
	}
	return i
}

// walkNaN returns the leaf of a row that may hold NaN.
func walkNaN(nodes []treeNode, row []float32) uint32 {
	var i uint32
	for {
		n := nodes[i]
		next := n.nextNaN(row[n.feature()])
		if next == i {
			return i
		}
		i = next
	}
}

// walk4 takes four rows down one tree in step.
func walk4(nodes []treeNode, depth uint32, a, b, c, d []float32) (i, j, k, l uint32) {
	for range depth {
		p, q, r, s := nodes[i], nodes[j], nodes[k], nodes[l]
		i0, j0, k0, l0 := i, j, k, l
		i = p.next(a[p.feature()])
		j = q.next(b[q.feature()])
		k = r.next(c[r.feature()])
		l = s.next(d[s.feature()])
		// Leaf-wise trees are deep on one side only; most rows settle early.
		if (i^i0)|(j^j0)|(k^k0)|(l^l0) == 0 {
			break
		}
	}
	return
}

// walkTrees takes one row down four trees in step and returns node indices
// into the whole array.
func walkTrees(nodes []treeNode, t *[4]tree, row []float32) (i, j, k, l uint32) {
	depth := max(t[0].depth, t[1].depth, t[2].depth, t[3].depth)
	fi, fj, fk, fl := t[0].first, t[1].first, t[2].first, t[3].first
	i, j, k, l = fi, fj, fk, fl
	for range depth {
		p, q, r, s := nodes[i], nodes[j], nodes[k], nodes[l]
		i0, j0, k0, l0 := i, j, k, l
		i = fi + p.next(row[p.feature()])
		j = fj + q.next(row[q.feature()])
		k = fk + r.next(row[r.feature()])
		l = fl + s.next(row[s.feature()])
		if (i^i0)|(j^j0)|(k^k0)|(l^l0) == 0 {
			break
		}
	}
	return
}
