package main

import (
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// Three faults, the second three pages above the first, the third seven below it:
// a short window begins with zeros, and distances keep their sign.
func TestStepsOfFaults(t *testing.T) {
	q := &ipc.MemoryRequest{
		AccessHistory:    []uint64{1 << 40, 1<<40 + 3*pageBytes, 1<<40 - 4*pageBytes},
		AccessTypes:      []uint8{ipc.AccessWrite, ipc.AccessRead, ipc.AccessWrite},
		AccessTimestamps: []uint64{100, 101, 104},
	}
	w := make([]float32, memoryStepsWidth)
	memorySteps(q, w)
	faults := len(w) - 9
	if slices.ContainsFunc(w[:faults], func(v float32) bool { return v != 0 }) {
		t.Errorf("before the first fault: %v, want zeros", w[:faults])
	}
	if want := []float32{0, 0, 1, 2, 1, 0, -3, 2, 1}; !slices.Equal(w[faults:], want) {
		t.Errorf("the faults: %v, want %v", w[faults:], want)
	}
}
