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
