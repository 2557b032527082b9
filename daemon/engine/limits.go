package engine

import (
	"errors"
	"fmt"
)

// Kinds of load failure, for errors.Is. Every error from [Load] wraps exactly
// one of them and says in its text which part of the file is at fault.
var (
	// ErrMalformed: the bytes are not a well-formed, consistent ONNX model.
	ErrMalformed = errors.New("malformed model")
	// ErrUnsupported: the model may be fine, but lies outside the subset.
	ErrUnsupported = errors.New("unsupported")
	// ErrLimit: the model is larger than the caller's [Limits] allow.
	ErrLimit = errors.New("limit exceeded")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...)
}

func tooMany(what string, limit int) error {
	return fmt.Errorf("%w: more than %d %s", ErrLimit, limit, what)
}

// Limits bound what a model file may ask for. A zero field means its default,
// so Limits{} is the usual choice.
type Limits struct {
	FileBytes int // size of the file, default 64 MiB
	Nodes     int // graph nodes, default 4096; Sum, Min and Max count by their pairs as well
	Tensors   int // initialisers and other tensors in the file, default 4096
	Elements  int // numbers in all tensors and attributes, default 32 Mi
	TreeNodes int // tree nodes of all ensembles together, default 4 Mi
	Width     int // values per row of any one tensor, default 16,384
	RowFloats int // scratch float32 per row of batch, default 65,536
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.FileBytes, 64<<20)
	set(&l.Nodes, 4096)
	set(&l.Tensors, 4096)
	set(&l.Elements, 32<<20)
	set(&l.TreeNodes, 4<<20)
	set(&l.Width, 1<<14)
	set(&l.RowFloats, 1<<16)
	return l
}

// weightShare bounds how many numbers compiled kernels may hold per byte of
// file. An honest weight takes four bytes and is used once; a hostile file
// names one initialiser in thousands of nodes, each of which packs its own
// copy. weightFloor keeps tiny honest files clear of the rule.
const (
	weightShare = 2
	weightFloor = 1 << 16
)

// quota counts what parsing and compiling have used of the limits.
type quota struct {
	lim      Limits
	nodes    int
	tensors  int
	elements int
	trees    int
	weights  int // still free, in numbers
}

func newQuota(lim Limits, fileBytes int) *quota {
	return &quota{lim: lim, weights: weightShare*fileBytes + weightFloor}
}

func (q *quota) addNode() error {
	if q.nodes++; q.nodes > q.lim.Nodes {
		return tooMany("graph nodes", q.lim.Nodes)
	}
	return nil
}

func (q *quota) addTensor() error {
	if q.tensors++; q.tensors > q.lim.Tensors {
		return tooMany("tensors", q.lim.Tensors)
	}
	return nil
}

func (q *quota) addElements(n int) error {
	if n > q.lim.Elements-q.elements {
		return tooMany("numbers in tensors and attributes", q.lim.Elements)
	}
	q.elements += n
	return nil
}

func (q *quota) addTreeNodes(n int) error {
	if n > q.lim.TreeNodes-q.trees {
		return tooMany("tree nodes", q.lim.TreeNodes)
	}
	q.trees += n
	return nil
}

// addWeights is asked before a kernel copies n numbers into its own layout.
func (q *quota) addWeights(n int) error {
	if n > q.weights {
		return fmt.Errorf("%w: the graph uses its weights more often than its size explains", ErrLimit)
	}
	q.weights -= n
	return nil
}
