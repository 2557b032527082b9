package bridge

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// What a question tells more about, by the element that tells it.
func TestInformed(t *testing.T) {
	some := []float32{1}
	for _, v := range []struct {
		q    ipc.Request
		want ipc.Targets
	}{
		{&ipc.WorkloadRequest{}, 0},
		{&ipc.WorkloadRequest{CPUPast: some}, ipc.TargetCPU},
		{&ipc.WorkloadRequest{MemoryPast: some}, ipc.TargetMemory},
		{&ipc.WorkloadRequest{GPUPast: some}, ipc.TargetGPU},
		{&ipc.WorkloadRequest{CPUPast: some, GPUPast: some}, ipc.TargetCPU | ipc.TargetGPU},
		{&ipc.ThreatRequest{}, 0},
		{&ipc.ThreatRequest{SyscallFeatures: some}, everyValue},
		{&ipc.FailureRequest{}, 0},
		{&ipc.FailureRequest{FailureRates: some}, everyValue},
		{&ipc.MemoryRequest{}, 0},
		{&ipc.MemoryRequest{Candidates: []uint64{1}}, everyValue},
	} {
		if got := informed(v.q); got != v.want {
			t.Errorf("informed(%+v) = %b, want %b", v.q, got, v.want)
		}
	}
}

// Without which targets nothing is left of an answer.
func TestDecides(t *testing.T) {
	for _, k := range ipc.Kinds {
		for _, name := range targetNames[k-1] {
			want := k == ipc.Workload || name == "score" || name == "page"
			for _, c := range components {
				want = want || k == ipc.Failure && name == c
			}
			if got := decides(k, name); got != want {
				t.Errorf("%v: decides(%q) = %v, want %v", k, name, got, want)
			}
		}
	}
}

// TestEveryTargetHasItsNumber, and its name, and the set holds all.
func TestEveryTargetHasItsNumber(t *testing.T) {
	for _, k := range ipc.Kinds {
		seen := map[Standing]int{}
		check := func(n int, informed, stale bool) {
			t.Helper()
			if n < 0 || n >= targetsOf(k) || n >= maxTargets || targetSet(1)<<n == 0 {
				t.Fatalf("%v: target %d", k, n)
			}
			var s Standing
			s.Target, s.With, s.Stale = nameOf(k, n)
			if other, ok := seen[s]; ok && other != n {
				t.Errorf("%v: targets %d and %d are both %q", k, n, other, s.Name())
			}
			if seen[s] = n; (s.With != "") != informed || s.Stale != stale {
				t.Errorf("%v: target %d is called %q", k, n, s.Name())
			}
		}
		for part := range partsOf(k) {
			for component := range components {
				for _, informed := range []bool{false, true} {
					n := targetOf(k, part, uint8(component), informed)
					check(n, informed, false)
					check(staleOf(k, n), false, true)
					if name, _, _ := nameOf(k, n); name != targetNames[k-1][staleOf(k, n)-2*len(targetNames[k-1])] {
						t.Errorf("%v: stale answers of %s are judged at target %d", k, name, staleOf(k, n))
					}
				}
			}
		}
		if len(seen) != targetsOf(k) {
			t.Errorf("%v: %d targets of %d", k, len(seen), targetsOf(k))
		}
	}
}
