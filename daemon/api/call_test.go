package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestCallRoundTrip sends every extreme u64 through every field of every kind, in
// both formats and both forms of a call.
func TestCallRoundTrip(t *testing.T) {
	for _, f := range formats {
		for _, k := range ipc.Kinds {
			for _, batch := range []bool{false, true} {
				c := Call{Kind: k, Batch: batch}
				for _, u := range extremes {
					want := []ipc.Request{fullRequest(k, u)}
					if batch {
						want = append(want, bareRequest(k), fullRequest(k, u))
					}
					body := f.AppendCall(nil, k, want, batch)
					if err := f.ParseCall(body, &c); err != nil {
						t.Fatalf("%v %v batch=%v ParseCall(%s) = %v", f, k, batch, body, err)
					}
					if diff := cmp.Diff(want, c.Requests, cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("%v %v batch=%v u=%d (-want +got):\n%s", f, k, batch, u, diff)
					}
					for i, fault := range c.Faults {
						if fault != nil {
							t.Errorf("%v %v slot %d: %v", f, k, i, fault)
						}
					}
				}
			}
		}
	}
}

// TestCallStorage reuses one Call for long, short and differently typed batches:
// nothing of an earlier call may show in a later one.
func TestCallStorage(t *testing.T) {
	for _, f := range formats {
		c := Call{Batch: true}
		for round := range 3 {
			for _, k := range ipc.Kinds {
				for _, n := range []int{MaxBatch, 1, 3} {
					c.Kind = k
					var want []ipc.Request
					for i := range n {
						if (i+round)%2 == 0 {
							want = append(want, fullRequest(k, uint64(i)))
						} else {
							want = append(want, bareRequest(k))
						}
					}
					if err := f.ParseCall(f.AppendCall(nil, k, want, true), &c); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, c.Requests, cmpopts.EquateEmpty()); diff != "" {
						t.Fatalf("%v %v n=%d (-want +got):\n%s", f, k, n, diff)
					}
				}
			}
		}
	}
}

// TestOneBadSlot puts a question out of range, one of the wrong type and one that
// is no question at all between two good ones.
func TestOneBadSlot(t *testing.T) {
	good := bareRequest(ipc.Workload)
	bad := &ipc.WorkloadRequest{CurrentCPU: 2}
	bodies := map[Format]string{
		JSON: fmt.Sprintf(`{"features":[%s,%s,{"agentId":[1,{"a":2}]},17,%s]}`,
			JSON.AppendCall(nil, ipc.Workload, []ipc.Request{good}, false),
			JSON.AppendCall(nil, ipc.Workload, []ipc.Request{bad}, false),
			JSON.AppendCall(nil, ipc.Workload, []ipc.Request{good}, false)),
		Msgpack: "\x95" + string(ipc.AppendRequest(nil, good)) + string(ipc.AppendRequest(nil, bad)) +
			"\x99\xa1x" + strings.Repeat("\x01", 8) + // a string for an agent
			"\x81\x01\x02" + // a map
			string(ipc.AppendRequest(nil, good)),
	}
	for f, body := range bodies {
		c := Call{Kind: ipc.Workload, Batch: true}
		if err := f.ParseCall([]byte(body), &c); err != nil {
			t.Errorf("%v: %v", f, err)
			continue
		}
		for i, wantFault := range []bool{false, true, true, true, false} {
			if got := c.Faults[i] != nil; got != wantFault {
				t.Errorf("%v slot %d: fault %v, want one: %v", f, i, c.Faults[i], wantFault)
			}
		}
	}
}
