package engine

// A model for rows of several kinds is often one ensemble for each, joined: every
// tree of a part begins with the same tests, whose other side is a leaf of zero.
// Where no row at hand passes them, the part adds nothing and is left out.
//
// That changes no bit. The sum of a row starts at +0, and x + y is −0 only if both
// are; so it is never −0, and zero of either sign added to it leaves it as it is.

// maxGates is how many tests at the head of a tree are looked at: two join
// kinds of rows that two columns tell apart.
const maxGates = 2

// minRun is how many trees a gate must have to be worth a look of its own. With four of
// 16 leaves each, a row alone takes 0.4 of the time by bits and 0.8 by walks and 64
// rows take 0.91 and 1.02; with two, 64 rows take 1.06.
const minRun = 4

// gate is a test at the head of a tree with a leaf of zero on one side.
type gate struct {
	test treeNode // of child 0: next says 0 for rows that go left, else 1
	pass uint32   // what it says of rows that go on
}

// open says whether a row passes. A missing value goes where the tree sends it.
func (g gate) open(row []float32) bool { return g.test.nextNaN(row[g.test.feature()]) == g.pass }

// treeRun is trees, one after the other, behind the same gates. Other trees are in
// runs without.
type treeRun struct {
	gates []gate
	trees []tree
}

// open says whether the run may add something other than zero to the row.
func (r *treeRun) open(row []float32) bool {
	for _, g := range r.gates {
		if !g.open(row) {
			return false
		}
	}
	return true
}

// openAny says so of any of the rows of width w.
func (r *treeRun) openAny(x []float32, w, rows int) bool {
	for i := range rows {
		if r.open(x[i*w : i*w+w]) {
			return true
		}
	}
	return false
}

// gatesOf gives the gates of a tree from the root on.
func gatesOf(nodes []treeNode, value []float32) []gate {
	var gates []gate
	for i := uint32(0); len(gates) < maxGates; {
		left := nodes[i].left()
		zero := func(child uint32) bool {
			return nodes[child].left() == child && value[child] == 0
		}
		g := gate{test: treeNode{nodes[i].threshold, nodes[i].link & (1<<leftShift - 1)}}
		switch {
		case left == i:
			return gates
		case zero(left):
			g.pass = 1
		case zero(left + 1):
			g.pass = 0
		default:
			return gates
		}
		gates = append(gates, g)
		i = left + g.pass
	}
	return gates
}

// behind gives the node that rows reach which pass all gates, of a tree that has
// them.
func behind(nodes []treeNode, gates []gate) uint32 {
	var i uint32
	for _, g := range gates {
		i = nodes[i].left() + g.pass
	}
	return i
}

// findRuns divides the trees into runs. The gates of a run are the most that minRun
// trees share; a tree that happens to begin with more of them, or with some among
// trees that have none, does not break a run up.
func (f *forest) findRuns() []treeRun {
	gates := make([][]gate, len(f.trees))
	if f.value != nil && !f.shared {
		for i, t := range f.trees {
			gates[i] = gatesOf(f.nodes[t.first:t.first+t.count], f.value[t.first:t.first+t.count])
		}
	}
	var runs []treeRun
	for first := 0; first < len(f.trees); {
		level, next := sharedGates(gates[first:]), first+1
		for next < len(gates) && shares(gates[next], gates[first], level) && sharedGates(gates[next:]) <= level {
			next++
		}
		runs = append(runs, treeRun{gates[first][:level:level], f.trees[first:next:next]})
		first = next
	}
	return runs
}

// sharedGates counts the first gates that at least the first minRun trees share.
func sharedGates(gates [][]gate) int {
	if len(gates) < minRun {
		return 0
	}
	level := len(gates[0])
	for _, g := range gates[1:minRun] {
		for !shares(g, gates[0], level) {
			level--
		}
	}
	return level
}

// shares says whether a and b begin with the same gates, so many.
func shares(a, b []gate, level int) bool {
	if len(a) < level {
		return false
	}
	for i := range level {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
