package tfjs

import (
	"encoding/binary"
	"math"
	"strings"
)

// group is a part of the weightsManifest: files that are read one behind the other, and
// what they hold.
type group struct {
	Paths   []string `json:"paths"`
	Weights []weight `json:"weights"`
}

// weight describes a tensor.
type weight struct {
	Name         string        `json:"name"`
	Shape        []int         `json:"shape"`
	DType        string        `json:"dtype"`
	Quantization *quantization `json:"quantization"`
}

// quantization says how numbers of few bits stand for others: v·Scale + Min.
type quantization struct {
	DType string  `json:"dtype"`
	Scale float32 `json:"scale"`
	Min   float32 `json:"min"`
}

// tensor is a weight with its numbers.
type tensor struct {
	shape  []int
	values []float32
}

const (
	maxFiles   = 256
	maxWeights = 4096
	maxBytes   = 64 << 20 // of all files together
	maxNumbers = 16 << 20 // quantised ones have few bytes each
)

// readWeights reads all tensors by name. more gives the bytes of a file beside model.json.
func (d *document) readWeights(more func(name string) ([]byte, error)) (map[string]tensor, error) {
	all := make(map[string]tensor)
	files, total, numbers := 0, 0, 0
	for _, g := range d.Manifest {
		var data []byte
		for _, name := range g.Paths {
			if files++; files > maxFiles {
				return nil, malformed("more than %d weight files", maxFiles)
			}
			if name == "" || strings.ContainsAny(name, `/\`) || name == ".." {
				return nil, malformed("weight file %q is not beside model.json", name)
			}
			part, err := more(name)
			if err != nil {
				return nil, err
			}
			if total += len(part); total > maxBytes {
				return nil, malformed("more than %d bytes of weights", maxBytes)
			}
			data = append(data, part...)
		}
		for i := range g.Weights {
			w := &g.Weights[i]
			if len(all) == maxWeights {
				return nil, malformed("more than %d weights", maxWeights)
			}
			if _, twice := all[w.Name]; twice {
				return nil, malformed("two weights are called %q", w.Name)
			}
			t, n, err := w.read(data)
			if err != nil {
				return nil, err
			}
			if numbers += len(t.values); numbers > maxNumbers {
				return nil, malformed("more than %d weights in all", maxNumbers)
			}
			all[w.Name], data = t, data[n:]
		}
		if len(data) > 0 {
			return nil, malformed("%d bytes behind the weights of %q", len(data), g.Paths)
		}
	}
	return all, nil
}

// read takes the tensor from the front of data and tells how many bytes it has.
func (w *weight) read(data []byte) (t tensor, n int, err error) {
	stored, scale, least := w.DType, float32(1), float32(0)
	if w.DType != "float32" {
		return t, 0, unsupported("weight %q is of type %q", w.Name, w.DType)
	}
	if q := w.Quantization; q != nil {
		stored, scale, least = q.DType, q.Scale, q.Min
	}
	size := map[string]int{"float32": 4, "uint16": 2, "uint8": 1}[stored]
	if size == 0 {
		return t, 0, unsupported("weight %q is quantised to %q", w.Name, stored)
	}
	count := 1
	for _, dim := range w.Shape {
		if dim < 1 || dim > len(data) || count > len(data)/dim {
			return t, 0, malformed("weight %q of shape %v, and %d bytes left", w.Name, w.Shape, len(data))
		}
		count *= dim
	}
	if n = count * size; n > len(data) {
		return t, 0, malformed("weight %q needs %d bytes, %d are left", w.Name, n, len(data))
	}
	t = tensor{shape: w.Shape, values: make([]float32, count)}
	for i := range t.values {
		at := data[i*size:]
		switch size {
		case 4:
			t.values[i] = math.Float32frombits(binary.LittleEndian.Uint32(at))
		case 2:
			t.values[i] = float32(binary.LittleEndian.Uint16(at))*scale + least
		default:
			t.values[i] = float32(at[0])*scale + least
		}
	}
	return t, n, nil
}
