package engine

// The walks of walk.go for rows that may hold NaN, which each node sends to the
// side the model says. The test costs about 40 % more, so rows
// without NaN do not pay for it; and it is written out a second time because a
// function value or type parameter in the step would cost a call each.

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

// walkRowsNaN is walkRows with missing values.
func walkRowsNaN(nodes []treeNode, depth uint32, x []float32, w uint32, leaf []uint32) {
	for ; len(leaf) >= 4; leaf, x = leaf[4:], x[4*w:] {
		leaf[0], leaf[1], leaf[2], leaf[3] = walk4NaN(nodes, depth, x, w)
	}
}

// walk4NaN is walk4 with missing values.
func walk4NaN(nodes []treeNode, depth uint32, x []float32, w uint32) (i, j, k, l uint32) {
	for range depth {
		n := nodes[i]
		next := n.nextNaN(x[n.feature()])
		moved := i ^ next
		i = next

		n = nodes[j]
		next = n.nextNaN(x[w+n.feature()])
		moved |= j ^ next
		j = next

		n = nodes[k]
		next = n.nextNaN(x[2*w+n.feature()])
		moved |= k ^ next
		k = next

		n = nodes[l]
		next = n.nextNaN(x[3*w+n.feature()])
		moved |= l ^ next
		l = next
		if moved == 0 {
			break
		}
	}
	return
}

// walkTreesNaN is walkTrees with missing values.
func walkTreesNaN(nodes []treeNode, t *[4]tree, row []float32) (i, j, k, l uint32) {
	i, j, k, l = t[0].first, t[1].first, t[2].first, t[3].first
	for range max(t[0].depth, t[1].depth, t[2].depth, t[3].depth) {
		n := nodes[i]
		next := t[0].first + n.nextNaN(row[n.feature()])
		moved := i ^ next
		i = next

		n = nodes[j]
		next = t[1].first + n.nextNaN(row[n.feature()])
		moved |= j ^ next
		j = next

		n = nodes[k]
		next = t[2].first + n.nextNaN(row[n.feature()])
		moved |= k ^ next
		k = next

		n = nodes[l]
		next = t[3].first + n.nextNaN(row[n.feature()])
		moved |= l ^ next
		l = next
		if moved == 0 {
			break
		}
	}
	return
}
