package engine

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// msg builds protobuf messages field by field, so that tests can write any
// model, legal or not. Field numbers are those of onnx.proto3.
type msg []byte

func (m msg) str(num protowire.Number, s string) msg {
	return protowire.AppendString(protowire.AppendTag(m, num, protowire.BytesType), s)
}

func (m msg) int(num protowire.Number, v int64) msg {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), uint64(v))
}

func (m msg) float(num protowire.Number, v float32) msg {
	return protowire.AppendFixed32(protowire.AppendTag(m, num, protowire.Fixed32Type), math.Float32bits(v))
}

func (m msg) sub(num protowire.Number, s msg) msg { return m.str(num, string(s)) }

func (m msg) ints(num protowire.Number, vs ...int64) msg {
	var packed []byte
	for _, v := range vs {
		packed = protowire.AppendVarint(packed, uint64(v))
	}
	return m.str(num, string(packed))
}

func (m msg) floats(num protowire.Number, vs ...float32) msg {
	var packed []byte
	for _, v := range vs {
		packed = protowire.AppendFixed32(packed, math.Float32bits(v))
	}
	return m.str(num, string(packed))
}

// attr builds an AttributeProto from a Go value.
func attr(name string, v any) msg {
	m := msg{}.str(1, name)
	switch v := v.(type) {
	case int:
		return m.int(3, int64(v))
	case float32:
		return m.float(2, v)
	case string:
		return m.str(4, v)
	case []int64:
		return m.ints(8, v...)
	case []float32:
		return m.floats(7, v...)
	case []string:
		for _, s := range v {
			m = m.str(9, s)
		}
		return m
	case msg: // a tensor
		return m.sub(5, v)
	}
	panic("attr: no such type")
}

// node builds a NodeProto; attrs alternate names and values.
func node(domain, op string, in, out []string, attrs ...any) msg {
	var m msg
	for _, s := range in {
		m = m.str(1, s)
	}
	for _, s := range out {
		m = m.str(2, s)
	}
	m = m.str(4, op)
	for i := 0; i+1 < len(attrs); i += 2 {
		m = m.sub(5, attr(attrs[i].(string), attrs[i+1]))
	}
	return m.str(7, domain)
}

// floatTensor builds a TensorProto of float32.
func floatTensor(name string, values []float32, dims ...int64) msg {
	return msg{}.ints(1, dims...).int(2, typeFloat).floats(4, values...).str(8, name)
}

// intTensor builds a TensorProto of int64.
func intTensor(name string, values []int64, dims ...int64) msg {
	return msg{}.ints(1, dims...).int(2, typeInt64).ints(7, values...).str(8, name)
}

// rowsOf builds a ValueInfoProto [batch, features] of float.
func rowsOf(name string, features int64) msg {
	dims := msg{}.sub(1, msg{}.str(2, "batch")).sub(1, msg{}.int(1, features))
	return msg{}.str(1, name).sub(2, msg{}.sub(1, msg{}.int(1, typeFloat).sub(2, dims)))
}

// graphParts is a graph in pieces that tests can bend.
type graphParts struct {
	nodes, tensors, inputs, outputs []msg
	opset                           int64 // 0 means 17
}

func (g graphParts) model() []byte {
	var graph msg
	for _, n := range g.nodes {
		graph = graph.sub(1, n)
	}
	for _, t := range g.tensors {
		graph = graph.sub(5, t)
	}
	for _, v := range g.inputs {
		graph = graph.sub(11, v)
	}
	for _, v := range g.outputs {
		graph = graph.sub(12, v)
	}
	if g.opset == 0 {
		g.opset = 17
	}
	return msg{}.int(1, 8).sub(7, graph).
		sub(8, msg{}.str(1, "").int(2, g.opset)).sub(8, msg{}.str(1, mlDomain).int(2, 3))
}

// chain is a graph from x [batch, features] through nodes to y.
func chain(features int64, tensors []msg, nodes ...msg) []byte {
	return graphParts{nodes: nodes, tensors: tensors, inputs: []msg{rowsOf("x", features)}, outputs: []msg{msg{}.str(1, "y")}}.model()
}

// treeAttrs collects the attribute arrays of an ensemble with one target.
type treeAttrs struct {
	tree, node, feature, yes, no, missing []int64
	mode                                  []string
	value                                 []float32
	leafTree, leafNode, leafID            []int64
	weight                                []float32
}

func (a *treeAttrs) branch(tree, node, feature int64, value float32, yes, no int64) {
	a.add(tree, node, feature, value, yes, no, "BRANCH_LEQ")
}

func (a *treeAttrs) leaf(tree, node int64, weight float32) {
	a.add(tree, node, 0, 0, 0, 0, "LEAF")
	a.leafTree, a.leafNode = append(a.leafTree, tree), append(a.leafNode, node)
	a.leafID, a.weight = append(a.leafID, 0), append(a.weight, weight)
}

func (a *treeAttrs) add(tree, node, feature int64, value float32, yes, no int64, mode string) {
	a.tree, a.node = append(a.tree, tree), append(a.node, node)
	a.feature, a.value = append(a.feature, feature), append(a.value, value)
	a.yes, a.no, a.mode = append(a.yes, yes), append(a.no, no), append(a.mode, mode)
}

func (a *treeAttrs) nodeProto(more ...any) msg { return a.into("y", more...) }

// into is the ensemble from x to out.
func (a *treeAttrs) into(out string, more ...any) msg {
	return node(mlDomain, "TreeEnsembleRegressor", []string{"x"}, []string{out}, append([]any{
		"nodes_treeids", a.tree, "nodes_nodeids", a.node, "nodes_featureids", a.feature,
		"nodes_values", a.value, "nodes_modes", a.mode, "nodes_truenodeids", a.yes, "nodes_falsenodeids", a.no,
		"nodes_missing_value_tracks_true", a.missing,
		"target_treeids", a.leafTree, "target_nodeids", a.leafNode, "target_ids", a.leafID, "target_weights", a.weight,
	}, more...)...)
}
