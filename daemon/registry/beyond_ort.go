//go:build ort && linux

package registry

import (
	"fmt"
	"os"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/engine/ort"
)

// ortLibrary names the variable that holds the path of ONNX Runtime's shared library.
const ortLibrary = "MLBRIDGE_ORT_LIBRARY"

func init() {
	beyond = func(data []byte) (*engine.Model, error) {
		path := os.Getenv(ortLibrary)
		if path == "" {
			return nil, fmt.Errorf("ONNX Runtime could run it: set %s to the path of libonnxruntime.so", ortLibrary)
		}
		return ort.Load(path, data)
	}
}
