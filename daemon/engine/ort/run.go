//go:build ort && linux

package ort

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/mlbridge/mlbridge/daemon/engine"
)

// Run writes the outputs for n rows into out, which has room for them.
func (m *model) Run(rows []float32, n int, out [][]float32) error {
	if n == 0 {
		return nil
	}
	values, err := m.run(rows, n)
	if err != nil {
		return err
	}
	for i, v := range values {
		if len(v) != n*m.widths[i] {
			return fmt.Errorf("ort: output %s has %d values for %d rows of %d", m.names[1+i], len(v), n, m.widths[i])
		}
		copy(out[i], v)
	}
	return nil
}

func (m *model) run(rows []float32, n int) ([][]float32, error) {
	l := m.lib
	var pin runtime.Pinner
	defer pin.Unpin()
	defer runtime.KeepAlive(m)
	shape := []int64{int64(n), int64(m.features)}
	pin.Pin(&shape[0])
	data, size := unsafe.Pointer(&rows[0]), 4*len(rows)
	if m.inputType == float64Type {
		wide := make([]float64, len(rows))
		for i, v := range rows {
			wide[i] = float64(v)
		}
		data, size = unsafe.Pointer(&wide[0]), 8*len(rows)
	}
	pin.Pin(data)
	var input uintptr
	if err := l.call(createTensorWithData, l.memory, uintptr(data), uintptr(size), address(&shape[0]), 2, m.inputType, address(&input)); err != nil {
		return nil, err
	}
	defer l.release(releaseValue, input)
	names := make([]uintptr, len(m.names))
	for i, name := range m.names {
		pin.Pin(&name[0])
		names[i] = address(&name[0])
	}
	outputs := make([]uintptr, len(names)-1)
	inputs := []uintptr{input}
	pin.Pin(&names[0])
	pin.Pin(&outputs[0])
	pin.Pin(&inputs[0])
	err := l.call(run, m.session, 0, address(&names[0]), address(&inputs[0]), 1, address(&names[1]), uintptr(len(outputs)), address(&outputs[0]))
	defer func() {
		for _, v := range outputs {
			l.release(releaseValue, v)
		}
	}()
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(outputs))
	for i, v := range outputs {
		if out[i], err = l.floats(v); err != nil {
			return nil, fmt.Errorf("output %s: %w", m.names[1+i], err)
		}
	}
	return out, nil
}

// floats copies a tensor's values, as float32.
func (l *library) floats(value uintptr) ([]float32, error) {
	var tensor int32
	if err := l.call(isTensor, value, address(&tensor)); err != nil {
		return nil, err
	}
	if tensor == 0 {
		return nil, fmt.Errorf("%w: not a tensor", engine.ErrUnsupported)
	}
	var info, at uintptr
	if err := l.call(getTensorTypeAndShape, value, address(&info)); err != nil {
		return nil, err
	}
	defer l.release(releaseTensorTypeAndShapeInfo, info)
	kind, dims, err := l.dimensions(info)
	if err != nil {
		return nil, err
	}
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	if err := l.call(getTensorMutableData, value, address(&at)); err != nil {
		return nil, err
	}
	switch kind {
	case float32Type:
		return narrow[float32](at, n)
	case float64Type:
		return narrow[float64](at, n)
	case int32Type:
		return narrow[int32](at, n)
	case int64Type:
		return narrow[int64](at, n)
	}
	return nil, fmt.Errorf("%w: values of type %d", engine.ErrUnsupported, kind)
}

func narrow[T float32 | float64 | int32 | int64](at uintptr, n int64) ([]float32, error) {
	out := make([]float32, n)
	if n > 0 {
		for i, v := range unsafe.Slice((*T)(pointer(at)), n) {
			out[i] = float32(v)
		}
	}
	return out, nil
}
