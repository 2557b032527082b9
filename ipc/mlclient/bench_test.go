package mlclient_test

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// fullWorkload is a workload request with complete histories.
func fullWorkload(agent uint64) *ipc.WorkloadRequest {
	q := &ipc.WorkloadRequest{AgentID: agent, CurrentCPU: 0.3, CurrentMemory: 5 << 30, TimeOfDay: 12}
	for i := range ipc.MaxWorkloadHistory {
		q.HistoricalCPU = append(q.HistoricalCPU, float32(i)/20)
		q.HistoricalMemory = append(q.HistoricalMemory, uint64(i+1)<<29)
	}
	return q
}

func BenchmarkLookup(b *testing.B) {
	bridge := ipctest.Listen(b, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	for _, kind := range ipc.Kinds {
		q := ipctest.Request(kind, 7)
		if kind == ipc.Workload {
			q = fullWorkload(7)
		}
		b.Run("hit/"+kind.String(), func(b *testing.B) {
			client := upClient(b, mlclient.Config{Path: bridge.Path, TTL: long})
			warm(b, client, q)
			var r ipc.Reply
			b.ReportAllocs()
			for b.Loop() {
				client.Lookup(q, &r)
			}
			if r.Source != ipc.SourceCache {
				b.Fatalf("source %v, want cache", r.Source)
			}
		})
	}
	b.Run("hit/parallel", func(b *testing.B) {
		client := upClient(b, mlclient.Config{Path: bridge.Path, TTL: long})
		qs := make([]ipc.Request, 64)
		for i := range qs {
			qs[i] = fullWorkload(uint64(i))
			warm(b, client, qs[i])
		}
		b.RunParallel(func(pb *testing.PB) {
			var r ipc.Reply
			for i := 0; pb.Next(); i++ {
				client.Lookup(qs[i%len(qs)], &r)
			}
		})
	})
	b.Run("rule", func(b *testing.B) {
		client := mlclient.New(mlclient.Config{Path: bridge.Path + ".nobody"})
		defer client.Close()
		q := fullWorkload(7)
		var r ipc.Reply
		b.ReportAllocs()
		for b.Loop() {
			client.Lookup(q, &r)
		}
	})
}
