package engine

import "math"

// treeNode is a branch or leaf in eight bytes, so that the nodes a row visits
// share cache lines. All six comparison modes are rewritten at load to one
// test, x ≤ threshold, whose outcome picks the left child or its neighbour:
//
//	next = left + (x > threshold)
//
// A leaf points to itself with threshold +Inf, so that a walk may take more
// steps than the tree is deep; walks of several rows then need no branches.
type treeNode struct {
	threshold float32
	link      uint32 // left child (19 bits) | nanLeft (1 bit) | feature (12 bits)
}

const (
	featureBits = 12
	nanLeftBit  = 1 << featureBits
	leftShift   = featureBits + 1

	maxTreeFeatures = 1 << featureBits
	maxFlatNodes    = 1 << (32 - leftShift) // per tree
)

func (n treeNode) feature() uint32 { return n.link & (maxTreeFeatures - 1) }
func (n treeNode) left() uint32    { return n.link >> leftShift }
func (n treeNode) nanLeft() uint32 { return n.link >> featureBits & 1 }

// next is the branch-free step for rows without NaN.
func (n treeNode) next(x float32) uint32 { return n.left() + bit(x > n.threshold) }

// nextNaN is the step that also routes missing values.
func (n treeNode) nextNaN(x float32) uint32 {
	return n.left() + (bit(x > n.threshold) | bit(x != x)&^n.nanLeft())
}

// bit compiles to a SETcc instruction.
func bit(b bool) uint32 {
	var v uint32
	if b {
		v = 1
	}
	return v
}

// flatTree is a tree under construction: nodes, and for each the index of the
// file's leaf it stands for, or -1.
type flatTree struct {
	nodes []treeNode
	leaf  []int
	depth int

	shared bool // two branches lead to the same subtree
}

// flatten lays a tree out in breadth-first order with siblings side by side:
// the top levels, which every row visits, lie together.
func (e *ensemble) flatten(t rawTree) (*flatTree, error) {
	f := &flatTree{nodes: make([]treeNode, 1, t.nodes), leaf: make([]int, 1, t.nodes)}
	queue := []flatTask{{raw: t.root}}
	for i := 0; i < len(queue); i++ {
		var err error
		if queue, err = f.place(e, queue[i], queue); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// flatTask asks for what raw stands for to be placed at index at, which rows
// reach after at most depth steps. kind says which part of an expanded
// equality test is meant.
type flatTask struct {
	raw   int
	at    uint32
	depth int
	kind  flatKind
	jump  uint32
}

type flatKind int

const (
	wholeNode   flatKind = iota
	secondTest           // x > prev(threshold) of an equality test
	jumpForward          // go on at index jump, whatever the value
)

// pair opens room for two siblings and returns the index of the left one.
func (f *flatTree) pair() (uint32, error) {
	at := len(f.nodes)
	if at+2 > maxFlatNodes {
		return 0, tooMany("nodes in one tree", maxFlatNodes)
	}
	f.nodes = append(f.nodes, treeNode{}, treeNode{})
	f.leaf = append(f.leaf, -1, -1)
	return uint32(at), nil
}

func (f *flatTree) set(at, left uint32, threshold float32, feature int64, nanLeft bool) {
	f.nodes[at] = treeNode{threshold, left<<leftShift | bit(nanLeft)<<featureBits | uint32(feature)}
}

// place writes one node and queues its children.
func (f *flatTree) place(e *ensemble, t flatTask, below []flatTask) ([]flatTask, error) {
	f.leaf[t.at] = -1
	if t.kind == jumpForward {
		f.set(t.at, t.jump, inf32, 0, true)
		return below, nil
	}
	if e.left[t.raw] < 0 {
		f.leaf[t.at] = t.raw
		f.depth = max(f.depth, t.depth)
		f.set(t.at, t.at, inf32, 0, true)
		return below, nil
	}
	left, err := f.pair()
	if err != nil {
		return nil, err
	}
	yes, no := flatTask{raw: e.left[t.raw], depth: t.depth + 1}, flatTask{raw: e.right[t.raw], depth: t.depth + 1}
	missing := len(e.missing) > 0 && e.missing[t.raw] != 0
	threshold, feature := e.values[t.raw], e.features[t.raw]
	mode := string(e.modes[t.raw])
	if mode == "BRANCH_NEQ" { // x ≠ v is x = v with its outcomes exchanged
		yes, no = no, yes
		// NaN differs from everything, so it takes the true side either way.
		missing = false
	}
	switch mode {
	case "BRANCH_LEQ":
		f.set(t.at, left, floor32(threshold), feature, missing)
	case "BRANCH_GT":
		yes, no = no, yes
		f.set(t.at, left, floor32(threshold), feature, !missing)
	case "BRANCH_LT":
		f.set(t.at, left, below32(threshold), feature, missing)
	case "BRANCH_GTE":
		yes, no = no, yes
		f.set(t.at, left, below32(threshold), feature, !missing)
	case "BRANCH_EQ", "BRANCH_NEQ":
		return f.equal(t, left, yes, no, e, missing, below)
	default:
		return nil, unsupported("node mode %s", quote(mode))
	}
	yes.at, no.at = left, left+1
	return append(below, yes, no), nil
}

// equal expands x = v into x ≤ v, and on its left x > prev(v). Both tests fail
// into the same subtree; the second reaches it by a jump, so nothing is copied
// and chains of equality tests stay linear in size.
func (f *flatTree) equal(t flatTask, left uint32, yes, no flatTask, e *ensemble, missing bool, below []flatTask) ([]flatTask, error) {
	f.shared = true
	if t.kind == secondTest {
		// Left: smaller than v, the jump. Right: equal.
		f.set(t.at, left, below32(e.values[t.raw]), e.features[t.raw], !missing)
		yes.at = left + 1
		return append(below, flatTask{at: left, kind: jumpForward, jump: t.jump}, yes), nil
	}
	f.set(t.at, left, floor32(e.values[t.raw]), e.features[t.raw], missing)
	no.at, no.depth = left+1, t.depth+3 // by way of the second test and the jump
	second := flatTask{raw: t.raw, at: left, depth: t.depth + 1, kind: secondTest, jump: left + 1}
	return append(below, second, no), nil
}

// floor32 is the largest float32 not above v: for float32 x, x ≤ v exactly if
// x ≤ floor32(v). Rounding to nearest would move the threshold of a double
// past a feature value.
func floor32(v float64) float32 {
	f := float32(v)
	if float64(f) > v {
		f = math.Nextafter32(f, -inf32)
	}
	return f
}

// below32 is the largest float32 below v: x < v exactly if x ≤ below32(v).
// v is not −Inf, below which there is nothing; such thresholds are refused.
func below32(v float64) float32 {
	f := floor32(v)
	if float64(f) == v {
		f = math.Nextafter32(f, -inf32)
	}
	return f
}
