// Package onnxfile writes small ONNX models: those that other formats are turned into
// for the engine, and those of tests. Operator set 17, float32 throughout, one input
// [n, width].
package onnxfile

import (
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Graph is a model that grows node by node. The zero value is empty.
type Graph struct {
	Metadata map[string]string // metadata_props
	graph    message
}

// Float and Int are attributes of a node.
type (
	Float struct {
		Name  string
		Value float32
	}
	Int struct {
		Name  string
		Value int
	}
)

// The elements of onnx.proto3 that are written here, and its type numbers.
const (
	modelVersion, modelGraph, modelOpset, modelMetadata = 1, 7, 8, 14
	graphNode, graphTensor, graphInput, graphOutput     = 1, 5, 11, 12
	nodeInput, nodeOutput, nodeOperator, nodeAttribute  = 1, 2, 4, 5
	attributeName, attributeFloat, attributeInt         = 1, 2, 3
	attributeType, isFloat, isInt                       = 20, 1, 2
	typeFloat                                           = 1
)

// Node adds an operator from the values in to the value out.
func (g *Graph) Node(operator, out string, in []string, attributes ...any) {
	var m message
	for _, name := range in {
		m = m.text(nodeInput, name)
	}
	m = m.text(nodeOutput, out).text(nodeOperator, operator)
	for _, a := range attributes {
		var attribute message
		switch a := a.(type) {
		case Float:
			attribute = attribute.text(attributeName, a.Name).float(attributeFloat, a.Value).number(attributeType, isFloat)
		case Int:
			attribute = attribute.text(attributeName, a.Name).number(attributeInt, a.Value).number(attributeType, isInt)
		default:
			panic("onnxfile: no such attribute")
		}
		m = m.bytes(nodeAttribute, attribute)
	}
	g.graph = g.graph.bytes(graphNode, m)
}

// Tensor adds a constant.
func (g *Graph) Tensor(name string, values []float32, dims ...int) {
	var m message
	for _, d := range dims {
		m = m.number(1, d)
	}
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = protowire.AppendFixed32(raw, math.Float32bits(v))
	}
	g.graph = g.graph.bytes(graphTensor, m.number(2, typeFloat).text(8, name).bytes(9, raw))
}

// Input names the input and says how many numbers a row has.
func (g *Graph) Input(name string, width int) { g.graph = g.graph.bytes(graphInput, rows(name, width)) }

// Output names an output.
func (g *Graph) Output(name string, width int) {
	g.graph = g.graph.bytes(graphOutput, rows(name, width))
}

// Bytes is the file.
func (g *Graph) Bytes() []byte {
	m := message{}.number(modelVersion, 8).bytes(modelGraph, g.graph).
		bytes(modelOpset, message{}.text(1, "").number(2, 17))
	for _, key := range slices.Sorted(maps.Keys(g.Metadata)) {
		m = m.bytes(modelMetadata, message{}.text(1, key).text(2, g.Metadata[key]))
	}
	return m
}

// rows is the type [n, width] of float.
func rows(name string, width int) message {
	shape := message{}.bytes(1, message{}.text(2, "n")).bytes(1, message{}.number(1, width))
	return message{}.text(1, name).bytes(2, message{}.bytes(1, message{}.number(1, typeFloat).bytes(2, shape)))
}

// message is a protobuf message that grows field by field.
type message []byte

func (m message) number(field protowire.Number, v int) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

func (m message) float(field protowire.Number, v float32) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, field, protowire.Fixed32Type), math.Float32bits(v))
}

func (m message) bytes(field protowire.Number, v []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), v)
}

func (m message) text(field protowire.Number, v string) message { return m.bytes(field, []byte(v)) }
