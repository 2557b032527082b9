// Package enginetest builds small model files for the tests of other packages: what
// a model says is then a matter of the test, not of a file that somebody trained.
package enginetest

import (
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Dense is a model of one dense layer from Inputs numbers to the outputs of a row.
type Dense struct {
	Inputs   int
	Bias     []float32          // one per output
	Weights  map[[2]int]float32 // {input, output}: weight; the others are 0
	Operator string             // behind the layer, such as "Sigmoid"; "" for none
	Metadata map[string]string  // metadata_props
}

// The elements of onnx.proto3 that are written here, and its type numbers.
const (
	modelVersion, modelGraph, modelOpset, modelMetadata = 1, 7, 8, 14
	graphNode, graphTensor, graphInput, graphOutput     = 1, 5, 11, 12
	typeFloat                                           = 1
)

// ONNX gives the model as the bytes of a file: input "x", one output "y".
func (d Dense) ONNX() []byte {
	out := len(d.Bias)
	weights := make([]float32, d.Inputs*out)
	for at, w := range d.Weights {
		weights[at[0]*out+at[1]] = w
	}
	last := "y"
	if d.Operator != "" {
		last = "h"
	}
	graph := message{}.
		bytes(graphNode, node("Gemm", last, "x", "w", "b")).
		bytes(graphTensor, tensor("w", weights, d.Inputs, out)).
		bytes(graphTensor, tensor("b", d.Bias, out)).
		bytes(graphInput, rows("x", d.Inputs)).
		bytes(graphOutput, rows("y", out))
	if d.Operator != "" {
		graph = graph.bytes(graphNode, node(d.Operator, "y", "h"))
	}
	m := message{}.number(modelVersion, 8).bytes(modelGraph, graph).
		bytes(modelOpset, message{}.text(1, "").number(2, 17))
	for _, key := range slices.Sorted(maps.Keys(d.Metadata)) {
		m = m.bytes(modelMetadata, message{}.text(1, key).text(2, d.Metadata[key]))
	}
	return m
}

// message is a protobuf message that grows field by field.
type message []byte

func (m message) number(field protowire.Number, v int) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

func (m message) bytes(field protowire.Number, v []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), v)
}

func (m message) text(field protowire.Number, v string) message { return m.bytes(field, []byte(v)) }

func node(operator, out string, in ...string) message {
	var m message
	for _, name := range in {
		m = m.text(1, name)
	}
	return m.text(2, out).text(4, operator)
}

func tensor(name string, values []float32, dims ...int) message {
	var m message
	for _, d := range dims {
		m = m.number(1, d)
	}
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = protowire.AppendFixed32(raw, math.Float32bits(v))
	}
	return m.number(2, typeFloat).text(8, name).bytes(9, raw)
}

// rows is the type [n, width] of float.
func rows(name string, width int) message {
	shape := message{}.bytes(1, message{}.text(2, "n")).bytes(1, message{}.number(1, width))
	return message{}.text(1, name).bytes(2, message{}.bytes(1, message{}.number(1, typeFloat).bytes(2, shape)))
}
