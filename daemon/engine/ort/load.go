//go:build ort && linux

package ort

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/mlbridge/mlbridge/daemon/engine"
)

// model is a session of ONNX Runtime, which may be run by many goroutines at once.
type model struct {
	lib       *library
	session   uintptr
	inputType uintptr
	features  int
	widths    []int
	names     [][]byte // the input's, then the outputs', each with a 0 at its end
}

// Load gives a model that runs in the shared library at path.
func Load(path string, data []byte) (*engine.Model, error) {
	l, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("ort: %s: %w", path, err)
	}
	m := &model{lib: l}
	out, err := m.load(data)
	if m.session != 0 {
		runtime.AddCleanup(m, func(session uintptr) { l.release(releaseSession, session) }, m.session)
	}
	if err != nil {
		return nil, fmt.Errorf("ort: %w", err)
	}
	return out, nil
}

func (m *model) load(data []byte) (*engine.Model, error) {
	l := m.lib
	var options uintptr
	if err := l.call(createSessionOptions, address(&options)); err != nil {
		return nil, err
	}
	defer l.release(releaseSessionOptions, options)
	if err := l.call(setIntraOpNumThreads, options, 1); err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: an empty file", engine.ErrMalformed)
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&data[0])
	if err := l.call(createSessionFromArray, l.env, address(&data[0]), uintptr(len(data)), options, address(&m.session)); err != nil {
		return nil, fmt.Errorf("%w: %w", engine.ErrMalformed, err)
	}
	outputs, err := m.shape()
	if err != nil {
		return nil, err
	}
	metadata, err := m.metadata()
	if err != nil {
		return nil, err
	}
	return engine.Foreign(m.features, outputs, metadata, m), nil
}

// shape reads names and widths. Files may leave a width open, so outputs are measured by
// a run of two rows.
func (m *model) shape() ([]engine.Output, error) {
	l := m.lib
	var inputs, outputs uintptr
	if err := l.call(sessionGetInputCount, m.session, address(&inputs)); err != nil {
		return nil, err
	}
	if err := l.call(sessionGetOutputCount, m.session, address(&outputs)); err != nil {
		return nil, err
	}
	if inputs != 1 || outputs == 0 {
		return nil, fmt.Errorf("%w: %d inputs and %d outputs, want one input", engine.ErrUnsupported, inputs, outputs)
	}
	var info, tensor uintptr
	if err := l.call(sessionGetInputTypeInfo, m.session, 0, address(&info)); err != nil {
		return nil, err
	}
	defer l.release(releaseTypeInfo, info)
	if err := l.call(castTypeInfoToTensorInfo, info, address(&tensor)); err != nil {
		return nil, err
	}
	kind, dims, err := l.dimensions(tensor)
	if err != nil {
		return nil, err
	}
	if m.inputType = kind; len(dims) != 2 || dims[1] < 1 || dims[1] > 1<<20 || kind != float32Type && kind != float64Type {
		return nil, fmt.Errorf("%w: an input of type %d and shape %v, want [batch, features] of float", engine.ErrUnsupported, kind, dims)
	}
	m.features = int(dims[1])
	list := make([]engine.Output, outputs)
	for i := range int(outputs) + 1 {
		var at uintptr
		get, index := sessionGetOutputName, uintptr(i-1)
		if i == 0 {
			get, index = sessionGetInputName, 0
		}
		if err := l.call(get, m.session, index, l.allocator, address(&at)); err != nil {
			return nil, err
		}
		name := l.text(at)
		m.names = append(m.names, append([]byte(name), 0))
		if i > 0 {
			list[i-1].Name = name
		}
	}
	const rows = 2
	out, err := m.run(make([]float32, rows*m.features), rows)
	if err != nil {
		return nil, err
	}
	for i, values := range out {
		if list[i].Width = len(values) / rows; list[i].Width*rows != len(values) || len(values) == 0 {
			return nil, fmt.Errorf("%w: output %s has %d values for %d rows", engine.ErrUnsupported, list[i].Name, len(values), rows)
		}
		m.widths = append(m.widths, list[i].Width)
	}
	return list, nil
}

// dimensions gives the type and shape that a tensor info holds; -1 is open.
func (l *library) dimensions(info uintptr) (kind uintptr, dims []int64, err error) {
	var element int32
	var n uintptr
	if info == 0 {
		return 0, nil, fmt.Errorf("%w: not a tensor", engine.ErrUnsupported)
	}
	if err := l.call(getTensorElementType, info, address(&element)); err != nil {
		return 0, nil, err
	}
	if err := l.call(getDimensionsCount, info, address(&n)); err != nil {
		return 0, nil, err
	}
	if n == 0 || n > 8 {
		return 0, nil, fmt.Errorf("%w: a tensor of %d dimensions", engine.ErrUnsupported, n)
	}
	dims = make([]int64, n)
	return uintptr(element), dims, l.call(getDimensions, info, address(&dims[0]), n)
}

func (m *model) metadata() (map[string]string, error) {
	l := m.lib
	var meta, keys uintptr
	var n int64
	if err := l.call(sessionGetModelMetadata, m.session, address(&meta)); err != nil {
		return nil, err
	}
	defer l.release(releaseModelMetadata, meta)
	if err := l.call(modelMetadataGetCustomKeys, meta, l.allocator, address(&keys), address(&n)); err != nil {
		return nil, err
	}
	out := map[string]string{}
	if n == 0 {
		return out, nil
	}
	for _, key := range unsafe.Slice((*uintptr)(pointer(keys)), n) {
		var value uintptr
		if err := l.call(modelMetadataLookup, meta, l.allocator, key, address(&value)); err != nil {
			return nil, err
		}
		out[text0(key)] = l.text(value)
		_ = l.call(allocatorFree, l.allocator, key)
	}
	return out, l.call(allocatorFree, l.allocator, keys)
}
