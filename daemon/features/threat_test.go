package features

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// What a client without memory sends is what one with memory sends of an agent that has
// just begun.
func TestThreatRowsWithoutMemory(t *testing.T) {
	var s syscalls.Stream
	for i := range 83 {
		s.Add(syscalls.Group(i*i%syscalls.Groups), 0)
	}
	q := &ipc.ThreatRequest{}
	s.Report(q, syscalls.Ordinary(), 0)
	row := func() []float32 { return fill(t, &Threat, 1, func(dst []float32) { ThreatRow(q, dst) }) }
	with := row()
	q.SyscallFeatures, q.SyscallCounts = q.SyscallFeatures[:windowColumns], nil
	for i, v := range row() {
		if math.Abs(float64(v-with[i])) > 1e-6 {
			t.Errorf("%s: %v without memory, %v with", Threat.Names[i], v, with[i])
		}
	}
	// Counts of nothing, or of other groups, say nothing.
	for _, c := range [][]uint64{make([]uint64, countColumns), {5, 5}} {
		q.SyscallCounts = c
		if got := row(); math.Abs(float64(got[SyscallColumns]-with[SyscallColumns])) > 1e-6 {
			t.Errorf("%d counts: %v of the first group, want %v", len(c), got[SyscallColumns], with[SyscallColumns])
		}
	}
	q.SyscallFeatures = q.SyscallFeatures[:windowColumns-1]
	if HasSyscalls(q) {
		t.Error("a vector of a length that nobody knows counts")
	}
}

// A memory is shared out among the groups as it counted them; a client that sends the sum
// of each class alone is taken to have called the groups of a class as it does now.
func TestThreatRowsShareTheMemory(t *testing.T) {
	var s syscalls.Stream
	for i := range 900 {
		s.Add(syscalls.Group(i%2*i%syscalls.Groups), 0)
	}
	q := &ipc.ThreatRequest{}
	s.Report(q, syscalls.Ordinary(), 0)
	row := func() []float32 { return fill(t, &Threat, 1, func(dst []float32) { ThreatRow(q, dst) }) }
	byCounts, total := row(), 0.0
	for _, c := range q.SyscallCounts {
		total += float64(c)
	}
	for g, c := range q.SyscallCounts {
		if want := float32(float64(c) / total); total != 900 || byCounts[SyscallColumns+g] != want {
			t.Errorf("group %d: %v, want %v of %v", g, byCounts[SyscallColumns+g], want, total)
		}
	}
	q.SyscallCounts = nil
	byClasses := row()
	var classes [syscalls.Classes]float64
	for g := range syscalls.Groups {
		classes[syscalls.Group(g).Class()] += float64(byClasses[SyscallColumns+g])
	}
	for c, sum := range classes {
		if want := float64(byCounts[windowColumns+c]); math.Abs(sum-want) > 1e-6 {
			t.Errorf("class %d: groups sum to %v, want %v", c, sum, want)
		}
	}
}
