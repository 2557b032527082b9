package engine

import "math"

// rawTree is one tree of an ensemble as the file gives it: the indices of its
// nodes in the attribute arrays, in file order.
type rawTree struct {
	root  int
	nodes int
}

// ensemble holds the attribute arrays common to both tree operators, checked
// for equal length, and the structure found in them.
type ensemble struct {
	treeIDs, nodeIDs  []int64
	features          []int64
	trueIDs, falseIDs []int64
	missing           []int64 // empty: all zero
	modes             [][]byte
	values            []float64 // thresholds as written, double precision kept
	index             map[treeNodeID]int
	left, right       []int // children by index; -1 at leaves
	trees             []rawTree
	targetNode        []int // per weight: index of its leaf
	targetID          []int64
	weights           []float32
	prefix            string // "target" or "class"
}

type treeNodeID struct{ tree, node int64 }

// readEnsemble reads and checks the arrays; every tree has exactly one root,
// children lie in range, and each node is reached exactly once, which also
// rules out cycles.
func readEnsemble(a *args, features int, prefix string) (*ensemble, error) {
	e := &ensemble{prefix: prefix}
	if err := e.readNodes(a); err != nil {
		return nil, err
	}
	if err := a.c.q.addTreeNodes(len(e.nodeIDs)); err != nil {
		return nil, err
	}
	if err := e.link(features); err != nil {
		return nil, err
	}
	if err := e.findTrees(); err != nil {
		return nil, err
	}
	return e, e.readWeights(a)
}

func (e *ensemble) readNodes(a *args) error {
	var err error
	for _, list := range []struct {
		name string
		dst  *[]int64
	}{
		{"nodes_treeids", &e.treeIDs},
		{"nodes_nodeids", &e.nodeIDs},
		{"nodes_featureids", &e.features},
		{"nodes_truenodeids", &e.trueIDs},
		{"nodes_falsenodeids", &e.falseIDs},
		{"nodes_missing_value_tracks_true", &e.missing},
	} {
		if *list.dst, err = a.n.intsAttr(list.name); err != nil {
			return err
		}
	}
	if e.modes, err = a.n.stringsAttr("nodes_modes"); err != nil {
		return err
	}
	if e.values, err = doublesAttr(a.n, "nodes_values"); err != nil {
		return err
	}
	n := len(e.nodeIDs)
	if n == 0 {
		return malformed("no tree nodes")
	}
	if len(e.treeIDs) != n || len(e.features) != n || len(e.trueIDs) != n || len(e.falseIDs) != n ||
		len(e.modes) != n || len(e.values) != n || len(e.missing) != 0 && len(e.missing) != n {
		return malformed("node attributes differ in length")
	}
	return nil
}

// doublesAttr reads name as floats, or name_as_tensor as floats or doubles.
func doublesAttr(n *nodeProto, name string) ([]float64, error) {
	list, err := n.floatsAttr(name)
	if err != nil {
		return nil, err
	}
	at, err := n.attr(name+"_as_tensor", 5)
	if err != nil {
		return nil, err
	}
	if at != nil && at.t != nil {
		if len(list) > 0 || at.t.isInt() {
			return nil, malformed("attribute %s given twice or as integers", quote(name))
		}
		if at.t.typ == typeDouble {
			return at.t.doubles, nil
		}
		list = at.t.floats
	}
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out, nil
}

// link resolves child ids to indices and checks each node by itself.
func (e *ensemble) link(features int) error {
	n := len(e.nodeIDs)
	e.index = make(map[treeNodeID]int, n)
	for i := range n {
		id := treeNodeID{e.treeIDs[i], e.nodeIDs[i]}
		if _, twice := e.index[id]; twice {
			return malformed("tree %d has node %d twice", id.tree, id.node)
		}
		e.index[id] = i
	}
	e.left, e.right = make([]int, n), make([]int, n)
	for i := range n {
		e.left[i], e.right[i] = -1, -1
		if string(e.modes[i]) == "LEAF" {
			continue
		}
		if e.features[i] < 0 || e.features[i] >= int64(features) {
			return malformed("tree %d tests feature %d of %d", e.treeIDs[i], e.features[i], features)
		}
		if e.features[i] >= maxTreeFeatures {
			return unsupported("tree %d tests feature %d, want less than %d", e.treeIDs[i], e.features[i], maxTreeFeatures)
		}
		// +Inf is legal: "always, unless missing", as LightGBM writes splits
		// that only part off missing values.
		if e.values[i] != e.values[i] || math.IsInf(e.values[i], -1) {
			return malformed("tree %d compares with %v", e.treeIDs[i], e.values[i])
		}
		l, okL := e.index[treeNodeID{e.treeIDs[i], e.trueIDs[i]}]
		r, okR := e.index[treeNodeID{e.treeIDs[i], e.falseIDs[i]}]
		if !okL || !okR {
			return malformed("tree %d: node %d has a child that does not exist", e.treeIDs[i], e.nodeIDs[i])
		}
		e.left[i], e.right[i] = l, r
	}
	return nil
}

// findTrees finds the root of every tree and proves that it is a tree.
func (e *ensemble) findTrees() error {
	n := len(e.nodeIDs)
	parents := make([]uint8, n)
	for i := range n {
		for _, child := range []int{e.left[i], e.right[i]} {
			if child < 0 {
				continue
			}
			if parents[child]++; parents[child] > 1 {
				return malformed("tree %d: node %d has two parents", e.treeIDs[child], e.nodeIDs[child])
			}
		}
	}
	// With one parent each, whatever a walk from the root does not reach hangs
	// on a cycle or on a second root.
	roots := map[int64]int{}
	total := 0
	for i := range n {
		if parents[i] != 0 {
			continue
		}
		tree := e.treeIDs[i]
		if _, second := roots[tree]; second {
			return malformed("tree %d has two roots", tree)
		}
		roots[tree] = len(e.trees)
		size := e.walk(i)
		total += size
		e.trees = append(e.trees, rawTree{root: i, nodes: size})
	}
	if total != n {
		return malformed("a tree contains a cycle")
	}
	return nil
}

// walk counts the nodes below and including i. It keeps its own stack: the
// depth of a tree is the file's choice.
func (e *ensemble) walk(i int) int {
	stack, count := []int{i}, 0
	for len(stack) > 0 {
		i, stack = stack[len(stack)-1], stack[:len(stack)-1]
		count++
		if e.left[i] >= 0 {
			stack = append(stack, e.right[i], e.left[i])
		}
	}
	return count
}

// readWeights reads what the leaves contribute to which target or class.
func (e *ensemble) readWeights(a *args) error {
	trees, err := a.n.intsAttr(e.prefix + "_treeids")
	if err != nil {
		return err
	}
	nodes, err := a.n.intsAttr(e.prefix + "_nodeids")
	if err != nil {
		return err
	}
	if e.targetID, err = a.n.intsAttr(e.prefix + "_ids"); err != nil {
		return err
	}
	w, err := doublesAttr(a.n, e.prefix+"_weights")
	if err != nil {
		return err
	}
	if len(trees) != len(w) || len(nodes) != len(w) || len(e.targetID) != len(w) {
		return malformed("%s attributes differ in length", e.prefix)
	}
	e.weights = make([]float32, len(w))
	e.targetNode = make([]int, len(w))
	for i := range w {
		at, ok := e.index[treeNodeID{trees[i], nodes[i]}]
		if !ok || e.left[at] >= 0 {
			return malformed("weight %d belongs to no leaf", i)
		}
		e.weights[i], e.targetNode[i] = float32(w[i]), at
	}
	return finite("leaf weights", e.weights)
}
