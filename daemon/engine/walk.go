package engine

// The walks from root to leaf. A step is two dependent loads and a comparison
// whose outcome is added, not branched on: outcomes are unpredictable, so the
// way to speed is several walks in flight at once.

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

// walkRows fills leaf, whose length is a multiple of four, for rows of width w,
// four rows in step.
func walkRows(nodes []treeNode, depth uint32, x []float32, w uint32, leaf []uint32) {
	for ; len(leaf) >= 4; leaf, x = leaf[4:], x[4*w:] {
		leaf[0], leaf[1], leaf[2], leaf[3] = walk4(nodes, depth, x, w)
	}
}

// walk4 takes four consecutive rows down one tree in step. The lanes are
// written out one after the other, over one slice, to keep the loop within the
// machine's registers.
func walk4(nodes []treeNode, depth uint32, x []float32, w uint32) (i, j, k, l uint32) {
	for range depth {
		n := nodes[i]
		next := n.next(x[n.feature()])
		moved := i ^ next
		i = next

		n = nodes[j]
		next = n.next(x[w+n.feature()])
		moved |= j ^ next
		j = next

		n = nodes[k]
		next = n.next(x[2*w+n.feature()])
		moved |= k ^ next
		k = next

		n = nodes[l]
		next = n.next(x[3*w+n.feature()])
		moved |= l ^ next
		l = next
		// Leaf-wise trees are deep on one side only; most rows settle early.
		if moved == 0 {
			break
		}
	}
	return
}

// walkTrees takes one row down four trees in step and returns node indices
// over all trees.
func walkTrees(nodes []treeNode, t *[4]tree, row []float32) (i, j, k, l uint32) {
	i, j, k, l = t[0].first, t[1].first, t[2].first, t[3].first
	for range max(t[0].depth, t[1].depth, t[2].depth, t[3].depth) {
		n := nodes[i]
		next := t[0].first + n.next(row[n.feature()])
		moved := i ^ next
		i = next

		n = nodes[j]
		next = t[1].first + n.next(row[n.feature()])
		moved |= j ^ next
		j = next

		n = nodes[k]
		next = t[2].first + n.next(row[n.feature()])
		moved |= k ^ next
		k = next

		n = nodes[l]
		next = t[3].first + n.next(row[n.feature()])
		moved |= l ^ next
		l = next
		if moved == 0 {
			break
		}
	}
	return
}
