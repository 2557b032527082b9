package tfjs

import (
	"encoding/json"
	"fmt"

	"github.com/mlbridge/mlbridge/daemon/engine"
)

// document is a model.json.
type document struct {
	Format   string          `json:"format"`
	Topology json.RawMessage `json:"modelTopology"`
	Manifest []group         `json:"weightsManifest"`
}

// network is a model_config: Keras' own form, which TensorFlow.js shares.
type network struct {
	Class  string          `json:"class_name"`
	Config json.RawMessage `json:"config"`
}

// layer is one of its layers.
type layer struct {
	Class   string          `json:"class_name"`
	Name    string          `json:"name"` // in functional models
	Config  config          `json:"config"`
	Inbound json.RawMessage `json:"inbound_nodes"`
}

// config is what any of the layers has; nil where it says nothing.
type config struct {
	Name       string          `json:"name"`
	Units      int             `json:"units"`
	Activation string          `json:"activation"`
	UseBias    *bool           `json:"use_bias"`
	Shape      []*int          `json:"batch_input_shape"`
	Axis       json.RawMessage `json:"axis"` // a number, or a list of one
	Epsilon    *float32        `json:"epsilon"`
	Alpha      *float32        `json:"alpha"`
	MaxValue   *float32        `json:"max_value"`
	Center     *bool           `json:"center"`
	Scale      *bool           `json:"scale"`
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("tfjs: %w: %w", engine.ErrMalformed, fmt.Errorf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("tfjs: %w: %w", engine.ErrUnsupported, fmt.Errorf(format, args...))
}

// maxLayers bounds a chain.
const maxLayers = 256

// chain gives the layers in the order in which they are applied.
func (d *document) chain() ([]layer, error) {
	if d.Format != "" && d.Format != "layers-model" {
		return nil, unsupported("format %q; only layers-model has layers to read", d.Format)
	}
	if len(d.Topology) == 0 {
		return nil, malformed("there is no modelTopology in it: it is not the model.json of a LayersModel")
	}
	var wrapped struct {
		Model *network `json:"model_config"`
		network
	}
	if err := json.Unmarshal(d.Topology, &wrapped); err != nil {
		return nil, malformed("modelTopology: %w", err)
	}
	n := &wrapped.network
	if wrapped.Model != nil {
		n = wrapped.Model
	}
	layers, err := n.layers()
	switch {
	case err != nil:
		return nil, err
	case len(layers) == 0 || len(layers) > maxLayers:
		return nil, malformed("%d layers, want 1 to %d", len(layers), maxLayers)
	}
	return layers, nil
}

func (n *network) layers() ([]layer, error) {
	switch n.Class {
	case "Sequential":
		// The config of old files is the list of layers itself.
		var list []layer
		if json.Unmarshal(n.Config, &list) == nil {
			return list, nil
		}
	case "Model", "Functional":
	default:
		return nil, unsupported("model class %q", n.Class)
	}
	var c struct {
		Layers []layer `json:"layers"`
	}
	if err := json.Unmarshal(n.Config, &c); err != nil {
		return nil, malformed("model config: %w", err)
	}
	if n.Class == "Sequential" {
		return c.Layers, nil
	}
	return c.Layers, chained(c.Layers)
}

// chained checks that each layer of a functional model reads the one before it and
// nothing else.
func chained(layers []layer) error {
	for i := range layers {
		l := &layers[i]
		// [[["name", node, tensor, {…}]]]: one call, of one input.
		var calls [][][]any
		if len(l.Inbound) > 0 {
			if err := json.Unmarshal(l.Inbound, &calls); err != nil {
				return malformed("layer %q: inbound_nodes: %w", l.Config.Name, err)
			}
		}
		if i == 0 {
			if len(calls) != 0 {
				return unsupported("layer %q comes first and has an input", l.Config.Name)
			}
			continue
		}
		if len(calls) != 1 || len(calls[0]) != 1 || len(calls[0][0]) == 0 || calls[0][0][0] != any(layers[i-1].Config.Name) {
			return unsupported("layer %q does not read the layer before it alone: only chains are understood", l.Config.Name)
		}
	}
	return nil
}
