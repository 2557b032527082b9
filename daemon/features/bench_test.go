package features

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// fullest draws until a request has n of something: benchmarks are about full windows.
func fullest[Q any](draw func() (Q, int), n int) []Q {
	const pool = 512 // too many for the branch predictor to learn
	list := make([]Q, 0, pool)
	for len(list) < pool {
		if q, has := draw(); has == n {
			list = append(list, q)
		}
	}
	return list
}

// benchRows reports the time of one row, the requests taking turns.
func benchRows[Q any](b *testing.B, list []Q, rows func(q Q) int) {
	b.ReportAllocs()
	i, made := 0, 0
	for b.Loop() {
		made += rows(list[i%len(list)])
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(made), "ns/row")
}

// BenchmarkRows times the preparation of rows from requests with full windows.
func BenchmarkRows(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	dst := make([]float32, MaxPages*Memory.Width())
	type series[T any] struct {
		history []T
		current T
	}
	b.Run("shares", func(b *testing.B) {
		list := fullest(func() (series[float32], int) {
			h, now := drawShares(r)
			return series[float32]{h, now}, len(h)
		}, ipc.MaxWorkloadHistory)
		benchRows(b, list, func(q series[float32]) int {
			var w Window
			w.CPU(q.history, q.current)
			w.Row(dst)
			return 1
		})
	})
	b.Run("bytes", func(b *testing.B) {
		list := fullest(func() (series[uint64], int) {
			h, now := drawBytes(r)
			return series[uint64]{h, now}, len(h)
		}, ipc.MaxWorkloadHistory)
		benchRows(b, list, func(q series[uint64]) int {
			var w Window
			w.Bytes(q.history, q.current)
			w.Row(dst)
			return 1
		})
	})
	b.Run("workload-fields", func(b *testing.B) {
		list := fullest(func() (*ipc.WorkloadRequest, int) {
			q := drawWorkload(r)
			return q, len(q.HistoricalCPU) + len(q.HistoricalMemory) + len(q.HistoricalGPU)
		}, 3*ipc.MaxWorkloadHistory)
		benchRows(b, list, func(q *ipc.WorkloadRequest) int {
			WorkloadFieldsRow(q, 1.0/(1<<30), dst)
			return 1
		})
	})
	b.Run("failure", func(b *testing.B) {
		list := fullest(func() (*ipc.FailureRequest, int) {
			q, _ := drawFailure(r)
			return q, len(q.HistoricalHealth)
		}, ipc.MaxHealthHistory)
		benchRows(b, list, func(q *ipc.FailureRequest) int {
			FailureRow(q, ipc.FailureCPU, dst)
			return 1
		})
	})
	b.Run("threat", func(b *testing.B) {
		list := fullest(func() (*ipc.ThreatRequest, int) {
			q := drawThreat(r)
			return q, len(q.SyscallFeatures)
		}, SyscallColumns)
		benchRows(b, list, func(q *ipc.ThreatRequest) int {
			ThreatRow(q, dst)
			return 1
		})
	})
	b.Run("memory", func(b *testing.B) {
		list := fullest(func() (*ipc.MemoryRequest, int) {
			q := drawMemory(r)
			return q, len(q.AccessHistory)
		}, ipc.MaxAccessHistory)
		var p Pages
		benchRows(b, list, func(q *ipc.MemoryRequest) int {
			p.Read(q)
			p.Rows(q, dst)
			return p.Len()
		})
	})
}

var sink float64

// BenchmarkLog2 compares log2 with math.Log2 where logarithms do not wait for
// each other, as in rows.
func BenchmarkLog2(b *testing.B) {
	for name, f := range map[string]func(float64) float64{"log2": log2, "math": math.Log2} {
		b.Run(name, func(b *testing.B) {
			x := 1.5
			for b.Loop() {
				sink += f(x)
				x += 0.37
			}
		})
	}
}

// BenchmarkMedians compares the network for full windows with the sort that
// serves all others.
func BenchmarkMedians(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	windows := make([][ipc.MaxWorkloadHistory]float64, 512)
	for i := range windows {
		for j := range windows[i] {
			windows[i][j] = r.NormFloat64()
		}
	}
	for name, f := range map[string]func(x []float64) medians{
		"network": func(x []float64) medians { return fullMedians((*[ipc.MaxWorkloadHistory]float64)(x)) },
		"sort":    sortedMedians,
	} {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				sink += f(windows[i%len(windows)][:]).median
				i++
			}
		})
	}
}
