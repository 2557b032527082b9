package tfjs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/engine/onnxfile"
)

// Convert turns a model.json and the weight files beside it, which more gives by name,
// into an ONNX model with the input "x" and the output "y". Its errors wrap
// engine.ErrMalformed or engine.ErrUnsupported, or are more's.
func Convert(model []byte, more func(name string) ([]byte, error)) ([]byte, error) {
	var d document
	if err := json.Unmarshal(model, &d); err != nil {
		return nil, malformed("model.json: %w", err)
	}
	layers, err := d.chain()
	if err != nil {
		return nil, err
	}
	weights, err := d.readWeights(more)
	if err != nil {
		return nil, err
	}
	c := &converter{weights: weights, value: "x"}
	for i := range layers {
		if err := c.add(&layers[i]); err != nil {
			return nil, err
		}
	}
	if c.width == 0 {
		return nil, malformed("no layer says how many inputs there are")
	}
	c.graph.Node("Identity", "y", []string{c.value})
	c.graph.Output("y", c.width)
	return c.graph.Bytes(), nil
}

// converter is the graph so far: its value has width numbers a row, in the shape dims
// where that has more than one dimension (until it is flattened).
type converter struct {
	graph   onnxfile.Graph
	weights map[string]tensor
	value   string
	width   int // 0 before the input is known
	dims    int
	names   int
}

// maxInput bounds the numbers of a row.
const maxInput = 1 << 14

// fresh gives a new name.
func (c *converter) fresh(of string) string {
	c.names++
	return of + strconv.Itoa(c.names)
}

// step adds an operator on the value, with constants behind it.
func (c *converter) step(operator string, constants []string, attributes ...any) {
	out := c.fresh("v")
	c.graph.Node(operator, out, append([]string{c.value}, constants...), attributes...)
	c.value = out
}

// constant adds numbers under a new name.
func (c *converter) constant(values []float32, dims ...int) string {
	name := c.fresh("c")
	c.graph.Tensor(name, values, dims...)
	return name
}

func (c *converter) add(l *layer) error {
	if err := c.input(l); err != nil {
		return err
	}
	if c.dims > 1 && !slices.Contains([]string{"InputLayer", "Flatten", "Dropout"}, l.Class) {
		return unsupported("layer %q: %s of %d dimensions: only Flatten takes them", l.Config.Name, l.Class, c.dims)
	}
	switch l.Class {
	case "InputLayer", "Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization":
	case "Flatten":
		c.dims = 1
	case "Dense":
		if err := c.dense(l); err != nil {
			return err
		}
		return c.activation(l, l.Config.Activation)
	case "Activation":
		return c.activation(l, l.Config.Activation)
	case "ReLU":
		if l.Config.MaxValue != nil {
			c.step("Clip", []string{c.constant([]float32{0}), c.constant([]float32{*l.Config.MaxValue})})
			return nil
		}
		c.step("Relu", nil)
	case "LeakyReLU":
		c.step("LeakyRelu", nil, onnxfile.Float{Name: "alpha", Value: or(l.Config.Alpha, 0.3)})
	case "ELU":
		c.step("Elu", nil, onnxfile.Float{Name: "alpha", Value: or(l.Config.Alpha, 1)})
	case "Softmax":
		c.step("Softmax", nil, onnxfile.Int{Name: "axis", Value: 1})
	case "BatchNormalization":
		return c.batchNorm(l)
	default:
		return unsupported("layer %q: %s", l.Config.Name, l.Class)
	}
	return nil
}

func or(v *float32, otherwise float32) float32 {
	if v == nil {
		return otherwise
	}
	return *v
}

// input reads the shape of a row, which the first layer tells.
func (c *converter) input(l *layer) error {
	if c.width > 0 {
		return nil
	}
	if len(l.Config.Shape) < 2 {
		return malformed("layer %q: batch_input_shape is missing", l.Config.Name)
	}
	width := 1
	for _, n := range l.Config.Shape[1:] {
		if n == nil || *n < 1 || *n > maxInput || width > maxInput / *n {
			return unsupported("layer %q: an input of no fixed shape, or of more than %d numbers", l.Config.Name, maxInput)
		}
		width *= *n
	}
	c.width, c.dims = width, len(l.Config.Shape)-1
	c.graph.Input("x", width)
	return nil
}

func (c *converter) dense(l *layer) error {
	kernel, err := c.weight(l, "kernel", c.width, l.Config.Units)
	if err != nil {
		return err
	}
	bias := make([]float32, l.Config.Units)
	if l.Config.UseBias == nil || *l.Config.UseBias {
		if bias, err = c.weight(l, "bias", l.Config.Units); err != nil {
			return err
		}
	}
	c.step("Gemm", []string{c.constant(kernel, c.width, l.Config.Units), c.constant(bias, l.Config.Units)})
	c.width = l.Config.Units
	return nil
}

// weight finds a tensor of a layer, under its name or behind the names of models round it.
func (c *converter) weight(l *layer, of string, shape ...int) ([]float32, error) {
	want := l.Config.Name + "/" + of
	t, ok := c.weights[want]
	if !ok {
		for name, other := range c.weights {
			if strings.HasSuffix(name, "/"+want) {
				if ok {
					return nil, malformed("layer %q: two weights are called …/%s", l.Config.Name, want)
				}
				t, ok = other, true
			}
		}
	}
	if !ok {
		return nil, malformed("layer %q: weight %q is missing", l.Config.Name, want)
	}
	if !slices.Equal(t.shape, shape) {
		return nil, malformed("layer %q: weight %q has shape %v, want %v", l.Config.Name, want, t.shape, shape)
	}
	return t.values, nil
}

func (c *converter) batchNorm(l *layer) error {
	if axis := bytes.Trim(bytes.TrimSpace(l.Config.Axis), "[]"); len(axis) > 0 && string(axis) != "-1" && string(axis) != "1" && string(axis) != "null" {
		return unsupported("layer %q: BatchNormalization over axis %s", l.Config.Name, axis)
	}
	parts := make([]string, 0, 4)
	for _, p := range []struct {
		of        string
		has       *bool
		otherwise float32
	}{{"gamma", l.Config.Scale, 1}, {"beta", l.Config.Center, 0}, {"moving_mean", nil, 0}, {"moving_variance", nil, 0}} {
		values := slices.Repeat([]float32{p.otherwise}, c.width)
		if p.has == nil || *p.has {
			var err error
			if values, err = c.weight(l, p.of, c.width); err != nil {
				return err
			}
		}
		parts = append(parts, c.constant(values, c.width))
	}
	c.step("BatchNormalization", parts, onnxfile.Float{Name: "epsilon", Value: or(l.Config.Epsilon, 1e-3)})
	return nil
}

// activation adds what a layer's activation does.
func (c *converter) activation(l *layer, name string) error {
	one := map[string]string{"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "elu": "Elu", "softplus": "Softplus", "exponential": "Exp"}
	scalar := func(v float32) string { return c.constant([]float32{v}) }
	switch {
	case name == "" || name == "linear":
	case one[name] != "":
		c.step(one[name], nil)
	case name == "softmax":
		c.step("Softmax", nil, onnxfile.Int{Name: "axis", Value: 1})
	case name == "relu6":
		c.step("Clip", []string{scalar(0), scalar(6)})
	case name == "hard_sigmoid" || name == "hardSigmoid":
		c.step("Mul", []string{c.constant([]float32{0.2}, 1)})
		c.step("Add", []string{c.constant([]float32{0.5}, 1)})
		c.step("Clip", []string{scalar(0), scalar(1)})
	case name == "swish" || name == "silu":
		before := c.value
		c.step("Sigmoid", nil)
		c.step("Mul", []string{before})
	default:
		return unsupported("layer %q: activation %q", l.Config.Name, name)
	}
	return nil
}
