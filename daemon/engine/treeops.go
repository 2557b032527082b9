package engine

import (
	"cmp"
	"slices"
)

// compileTreeRegressor: SUM or AVERAGE of leaf values plus base values.
func compileTreeRegressor(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	targets, err := a.n.intAttr("n_targets", 1)
	if err != nil {
		return err
	}
	if targets < 1 || targets > int64(a.c.q.lim.Width) {
		return malformed("n_targets %d", targets)
	}
	aggregate, err := a.n.stringAttr("aggregate_function", "SUM")
	if err != nil {
		return err
	}
	if aggregate != "SUM" && aggregate != "AVERAGE" {
		return unsupported("aggregate_function %s", quote(aggregate))
	}
	post, err := a.n.stringAttr("post_transform", "NONE")
	if err != nil {
		return err
	}
	// With one target ONNX Runtime ignores LOGISTIC and SOFTMAX, the
	// specification applies them: such a file means two different things.
	if post != "NONE" && (targets == 1 || post != "LOGISTIC" && post != "SOFTMAX") {
		return unsupported("post_transform %s with %d targets", quote(post), targets)
	}
	e, err := readEnsemble(a, x.width(), "target")
	if err != nil {
		return err
	}
	f, err := emitForest(a, e, x, int(targets), aggregate == "AVERAGE")
	if err != nil {
		return err
	}
	v := value{buf: f.y, rank: 2}
	if post == "NONE" {
		a.define(0, v)
		return nil
	}
	cl := &classes{transform: post}
	return emitUnary(a, &v, false, func(y, x []float32) { cl.rows(y, x, int(targets)) })
}

// compileTreeClassifier: a score per class, or one score for two classes.
func compileTreeClassifier(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	cl, err := newClasses(a, "classlabels_int64s")
	if err != nil {
		return err
	}
	e, err := readEnsemble(a, x.width(), "class")
	if err != nil {
		return err
	}
	if len(cl.labels) < 2 {
		return unsupported("%d class", len(cl.labels))
	}
	targets := len(cl.labels)
	if targets == 2 {
		if targets, err = cl.pairFromWeights(e); err != nil {
			return err
		}
	}
	f, err := emitForest(a, e, x, targets, false)
	if err != nil {
		return err
	}
	return cl.emit(a, &value{buf: f.y, rank: 2})
}

// pairFromWeights decides how two classes are scored: one score if the leaves
// speak of one class id only, as every boosting library writes it, else two.
func (c *classes) pairFromWeights(e *ensemble) (targets int, err error) {
	positive, ids := true, [2]bool{}
	for i, id := range e.targetID {
		if id < 0 || id > 1 {
			return 0, malformed("class id %d of 2", id)
		}
		ids[id] = true
		positive = positive && e.weights[i] >= 0
	}
	if ids[0] && ids[1] {
		// ONNX Runtime takes the sign of the second score for the label, even
		// where the first is larger, and ignores the names of the labels.
		c.ambiguous = true
		return 2, nil
	}
	if ids[1] {
		return 0, unsupported("two classes scored through class id 1 alone")
	}
	c.pair, c.threshold = pairMirror, 0
	if positive {
		c.pair, c.threshold = pairProbable, 0.5
	}
	return 1, nil
}

// emitForest flattens the trees and adds the step for their raw scores.
func emitForest(a *args, e *ensemble, x *value, targets int, average bool) (*forest, error) {
	base, err := a.n.floatsAttr("base_values")
	if err != nil {
		return nil, err
	}
	if len(base) != 0 && len(base) != targets {
		return nil, malformed("%d base values for %d scores", len(base), targets)
	}
	if err := finite("base_values", base); err != nil {
		return nil, err
	}
	f := &forest{x: x.buf, average: average, base: make([]float32, targets)}
	copy(f.base, base)
	if f.y, err = a.buffer(targets); err != nil {
		return nil, err
	}
	byLeaf, err := e.entriesByLeaf(targets)
	if err != nil {
		return nil, err
	}
	for _, raw := range e.trees {
		flat, err := e.flatten(raw)
		if err != nil {
			return nil, err
		}
		f.add(flat, e, byLeaf)
	}
	if targets > 1 {
		f.leafStart = append(f.leafStart, uint32(len(f.entries)))
	}
	f.runs = f.findRuns()
	if hasBits {
		f.bits = newBitForest(f)
	}
	a.emit(f, false, f.y, x)
	return f, nil
}

// entriesByLeaf returns the indices of the weights sorted by leaf, refusing
// targets out of range and a leaf that names one target twice.
func (e *ensemble) entriesByLeaf(targets int) ([]int32, error) {
	order := make([]int32, len(e.weights))
	for i := range order {
		order[i] = int32(i)
		if e.targetID[i] < 0 || e.targetID[i] >= int64(targets) {
			return nil, malformed("%s id %d of %d", e.prefix, e.targetID[i], targets)
		}
	}
	slices.SortFunc(order, func(i, j int32) int {
		return cmp.Or(cmp.Compare(e.targetNode[i], e.targetNode[j]), cmp.Compare(e.targetID[i], e.targetID[j]))
	})
	for i := 1; i < len(order); i++ {
		p, q := order[i-1], order[i]
		if e.targetNode[p] == e.targetNode[q] && e.targetID[p] == e.targetID[q] {
			return nil, malformed("a leaf has two weights for %s %d", e.prefix, e.targetID[q])
		}
	}
	return order, nil
}

// add appends one flattened tree. A leaf without weights contributes nothing.
func (f *forest) add(t *flatTree, e *ensemble, byLeaf []int32) {
	f.trees = append(f.trees, tree{first: uint32(len(f.nodes)), count: uint32(len(t.nodes)), depth: uint32(t.depth)})
	f.nodes = append(f.nodes, t.nodes...)
	f.shared = f.shared || t.shared
	for _, leaf := range t.leaf {
		if len(f.base) > 1 {
			f.leafStart = append(f.leafStart, uint32(len(f.entries)))
		}
		var v float32
		if leaf >= 0 {
			at, _ := slices.BinarySearchFunc(byLeaf, leaf, func(i int32, leaf int) int {
				return cmp.Compare(e.targetNode[i], leaf)
			})
			for ; at < len(byLeaf) && e.targetNode[byLeaf[at]] == leaf; at++ {
				i := byLeaf[at]
				v = e.weights[i]
				if len(f.base) > 1 {
					f.entries = append(f.entries, leafEntry{uint32(e.targetID[i]), v})
				}
			}
		}
		if len(f.base) == 1 {
			f.value = append(f.value, v)
		}
	}
}
