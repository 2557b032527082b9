//go:build ort && linux

package ort

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Places of functions in OrtApi (onnxruntime_c_api.h), which only ever grows at its end:
// all of these are there since version 1.4.
const (
	getErrorMessage                = 2
	createEnv                      = 3
	createSessionFromArray         = 8
	run                            = 9
	createSessionOptions           = 10
	setIntraOpNumThreads           = 24
	sessionGetInputCount           = 30
	sessionGetOutputCount          = 31
	sessionGetInputTypeInfo        = 33
	sessionGetInputName            = 36
	sessionGetOutputName           = 37
	createTensorWithData           = 49
	isTensor                       = 50
	getTensorMutableData           = 51
	castTypeInfoToTensorInfo       = 55
	getTensorElementType           = 60
	getDimensionsCount             = 61
	getDimensions                  = 62
	getTensorTypeAndShape          = 65
	createCPUMemoryInfo            = 69
	allocatorFree                  = 76
	getAllocatorWithDefaultOptions = 78
	releaseStatus                  = 93
	releaseSession                 = 95
	releaseValue                   = 96
	releaseTypeInfo                = 98
	releaseTensorTypeAndShapeInfo  = 99
	releaseSessionOptions          = 100
	sessionGetModelMetadata        = 111
	modelMetadataLookup            = 116
	releaseModelMetadata           = 118
	modelMetadataGetCustomKeys     = 123
	functions                      = 124
	apiVersion                     = 4
	logErrors, arenaAllocator      = 3, 1
	float32Type, int32Type         = 1, 6
	int64Type, float64Type         = 7, 11
	defaultMemory                  = 0
)

// library is ONNX Runtime, loaded once.
type library struct {
	table                  *[functions]uintptr
	env, memory, allocator uintptr
}

var (
	loading sync.Mutex
	loaded  *library
)

// open loads the shared library at path; the first path counts.
func open(path string) (*library, error) {
	loading.Lock()
	defer loading.Unlock()
	if loaded != nil {
		return loaded, nil
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	base, err := purego.Dlsym(handle, "OrtGetApiBase")
	if err != nil {
		return nil, err
	}
	at, _, _ := purego.SyscallN(base)
	get := (*[2]uintptr)(pointer(at))[0]
	table, _, _ := purego.SyscallN(get, apiVersion)
	if table == 0 {
		return nil, errors.New("the library does not know version 4 of its API")
	}
	l := &library{table: (*[functions]uintptr)(pointer(table))}
	name := []byte("mlbridge\x00")
	err = errors.Join(
		l.call(createEnv, logErrors, address(&name[0]), address(&l.env)),
		l.call(createCPUMemoryInfo, arenaAllocator, defaultMemory, address(&l.memory)),
		l.call(getAllocatorWithDefaultOptions, address(&l.allocator)),
	)
	runtime.KeepAlive(name)
	if err != nil {
		return nil, err
	}
	loaded = l
	return l, nil
}

// call calls a function that gives a status.
func (l *library) call(function int, args ...uintptr) error {
	status, _, _ := purego.SyscallN(l.table[function], args...)
	if status == 0 {
		return nil
	}
	text, _, _ := purego.SyscallN(l.table[getErrorMessage], status)
	err := fmt.Errorf("ONNX Runtime: %s", text0(text))
	l.release(releaseStatus, status)
	return err
}

func (l *library) release(function int, object uintptr) {
	if object != 0 {
		purego.SyscallN(l.table[function], object)
	}
}

// text copies a string of the library's allocator and frees it.
func (l *library) text(at uintptr) string {
	s := text0(at)
	_ = l.call(allocatorFree, l.allocator, at)
	return s
}

// text0 copies a string that ends with a 0.
func text0(at uintptr) string {
	if at == 0 {
		return ""
	}
	n := 0
	for *(*byte)(pointer(at + uintptr(n))) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(pointer(at)), n))
}

// pointer is memory of the library's own, which Go's collector does not move or free.
func pointer(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }

// address gives the address of v for the time of a call. v is moved to the heap for it:
// stacks move when they grow, and what the library writes to would be lost. It stays alive
// where it is read, or pinned, afterwards.
func address[T any](v *T) uintptr {
	if never {
		sink = unsafe.Pointer(v)
	}
	return uintptr(unsafe.Pointer(v))
}

var (
	never bool
	sink  unsafe.Pointer
)
