// Package recordings turns recorded data into the questions that a kernel would
// have asked at every moment of it, each with what came of it. Training
// (daemon/train/extract) and judging (daemon/eval) read the data through here,
// so both ask the same.
//
// A folder of data has workload/, memory/, failure/ and threat/ with files
// named SET_PART.csv.gz; daemon/train/README.md lists the columns.
package recordings

import "github.com/mlbridge/mlbridge/ipc"

// Parts of every data set, by the name in its files. They never share an entity.
var Parts = [...]string{"train", "val", "test"}

// Question is one request with its truth. Only the fields of its kind are set.
// Request and its lists are valid during the call that hands them over.
type Question struct {
	Request ipc.Request
	Entity  int // number of the entity, from 0, in order of appearance

	// Workload. Values are shares: of one, or, for memory, of Span bytes.
	Signal                      int // SignalCPU …
	Current, Next, Mean, Median float64
	Span                        float64
	Whole                       bool // all that the data have of the entity was measured throughout; they count their references so

	// Memory.
	NextAddress uint64
	NextType    uint8
	Segment     int      // faults of one segment follow each other
	Coming      []uint64 // the addresses of the next faults, NextAddress first, at most MaxComing

	// Failure.
	Failed bool    // a failure begins within the horizon
	Left   int     // intervals until the next failure, 0 where none is known
	Keep   float64 // weight of a row of a thinned part, else 1
	Since  float64 // ms since the last failure, infinite without one

	// Threat.
	Attack int // ADFA-LD's number of the attack, or 1 + the way a window was changed; 0 harmless
}

// The signals of a workload question.
const (
	SignalCPU = iota
	SignalMemory
	SignalGPU
)

// Set is one data set of one kind.
type Set struct {
	Kind     ipc.Kind
	Name     string
	Research bool // may be used for research and study only
	Signal   int  // workload
	Derived  bool // made of other sets or by chance: for training only

	file string
	read func(path string) ([]*series, error)
}

// Sink takes questions. Entity is called before the questions of each entity.
type Sink interface {
	Entity(name string)
	Ask(q *Question) error
}

// Options says which questions of a part are asked.
type Options struct {
	Data    string // the folder
	Part    string
	Stride  int  // memory: one of so many windows
	Tables  bool // memory: with the candidates of a client's own tables
	Alone   bool // workload: without what a client remembers of an agent's past
	Numbers bool // LANL: for every number of a node up to the largest that failed, there or not
	Thin    bool // failure: leave most quiet node-days out, and weigh the rest
}
