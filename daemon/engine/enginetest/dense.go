// Package enginetest builds small model files for the tests of other packages: what
// a model says is then a matter of the test, not of a file that somebody trained.
package enginetest

import "github.com/mlbridge/mlbridge/daemon/engine/onnxfile"

// Dense is a model of one dense layer from Inputs numbers to the outputs of a row.
type Dense struct {
	Inputs   int
	Bias     []float32          // one per output
	Weights  map[[2]int]float32 // {input, output}: weight; the others are 0
	Operator string             // behind the layer, such as "Sigmoid"; "" for none
	Metadata map[string]string  // metadata_props
}

// ONNX gives the model as the bytes of a file: input "x", one output "y".
func (d Dense) ONNX() []byte {
	out := len(d.Bias)
	weights := make([]float32, d.Inputs*out)
	for at, w := range d.Weights {
		weights[at[0]*out+at[1]] = w
	}
	g := onnxfile.Graph{Metadata: d.Metadata}
	g.Input("x", d.Inputs)
	g.Tensor("w", weights, d.Inputs, out)
	g.Tensor("b", d.Bias, out)
	last := "y"
	if d.Operator != "" {
		last = "h"
	}
	g.Node("Gemm", last, []string{"x", "w", "b"})
	if d.Operator != "" {
		g.Node(d.Operator, "y", []string{"h"})
	}
	g.Output("y", out)
	return g.Bytes()
}
