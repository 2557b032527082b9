// Package ort runs ONNX models beyond package engine's subset in ONNX Runtime: recurrent
// and convolutional layers, quantised models, and the like. It is in programs built with
// the tag ort alone, on Linux:
//
//	go build -tags ort ./cmd/mld
//	MLBRIDGE_ORT_LIBRARY=/path/libonnxruntime.so.1.22.0 ./mld --models DIR
//
// The library is loaded when the first such model is; no C compiler is needed, since the
// C API is called through a table of functions (purego). A model in ONNX Runtime is a
// model in a large C++ program: nothing here bounds what a hostile file can do to it, a
// call allocates, and costs some 10 µs more than the engine's. Models that the engine can
// run stay there.
//
// A model has one input [batch, features] of float32 or float64, and outputs [batch,
// width] or [batch] of float32, float64, int32 or int64, which are given as float32.
package ort
