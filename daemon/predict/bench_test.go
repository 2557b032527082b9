package predict

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// pool is how many different requests a benchmark goes through: with fewer, the
// branch predictor learns the answers and the figures flatter.
const pool = 512

// drawn builds a full request: every window filled, all signals present.
func drawn(r *rand.Rand, k ipc.Kind) ipc.Request {
	walk := func(n int, step float64) []float32 {
		h, v := make([]float32, n), r.Float32()
		for i := range h {
			v = max(0, min(1, v+float32(r.NormFloat64()*step)))
			h[i] = v
		}
		return h
	}
	switch k {
	case ipc.Workload:
		q := &ipc.WorkloadRequest{HistoricalCPU: walk(ipc.MaxWorkloadHistory, 0.05), HistoricalGPU: walk(ipc.MaxWorkloadHistory, 0.1)}
		m := 1<<30 + r.Uint64N(1<<30)
		for range ipc.MaxWorkloadHistory {
			m += r.Uint64N(1<<21) - 1<<20
			q.HistoricalMemory = append(q.HistoricalMemory, m)
		}
		q.CurrentCPU, q.CurrentMemory, q.CurrentGPU = q.HistoricalCPU[9], m, ipc.Some(q.HistoricalGPU[9])
		for i := range loads.Width { // of a client that follows its agents
			v := float32(r.NormFloat64() * 0.05)
			if i >= 3 && i < 6 {
				v = 1 + v
			}
			q.CPUPast, q.MemoryPast, q.GPUPast = append(q.CPUPast, v), append(q.MemoryPast, v*(1<<20)), append(q.GPUPast, 2*v)
		}
		return q
	case ipc.Failure:
		q := &ipc.FailureRequest{HistoricalHealth: walk(ipc.MaxHealthHistory, 0.05), TimeSinceLastFailure: r.Uint64N(1 << 30)}
		q.Component = [...]string{"memory", "cpu-0", "io", "network", "node-7"}[r.IntN(5)]
		for range ipc.MaxFailureHistory {
			q.FailureHistory = append(q.FailureHistory, uint8(r.IntN(4)/3))
		}
		if q.Component == "node-7" { // of a sender that keeps counts
			q.FailureRates = []float32{1, 2, 5, 9, 700, 0.002, 0.01, 0.05, 0.002}
		}
		q.HealthScore, q.CurrentValue, q.Baseline = q.HistoricalHealth[ipc.MaxHealthHistory-1], r.Float32(), r.Float32()
		return q
	case ipc.Memory:
		q := &ipc.MemoryRequest{LocalityScore: r.Float32()}
		a, ns := uint64(0x7f00_0000_0000)+r.Uint64N(1<<20)<<12, r.Uint64N(1<<40)
		for i := range ipc.MaxAccessHistory {
			switch a += 4096; r.IntN(4) {
			case 0:
				a += r.Uint64N(1<<12) << 12
			case 1:
				a = append(q.AccessHistory, a)[r.IntN(i+1)]
			}
			ns += r.Uint64N(1 << 16)
			q.AccessHistory = append(q.AccessHistory, a)
			q.AccessTypes = append(q.AccessTypes, uint8(r.IntN(2)))
			q.AccessTimestamps = append(q.AccessTimestamps, ns)
		}
		q.CurrentAddress = a
		for i := range ipc.MaxCandidates { // of a client that follows its agents
			q.Candidates = append(q.Candidates, q.AccessHistory[r.IntN(ipc.MaxAccessHistory)]+uint64(i-4)<<12)
			q.CandidateChances = append(q.CandidateChances, 0.5/float32(1+i))
		}
		return q
	}
	q := &ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never, SyscallFeatures: make([]float32, 128)}
	for i := range q.SyscallFeatures {
		q.SyscallFeatures[i] = float32(r.IntN(3)/2*r.IntN(40)) / 100
	}
	for i := range syscalls.Groups {
		q.SyscallCounts = append(q.SyscallCounts, uint64(r.IntN(3)/2*r.IntN(400)+i/60))
	}
	q.Metrics = ipc.ThreatMetrics{OperationCount: r.Uint64N(90), SyscallCount: 100, MemoryUsage: 1 << 20}
	for kind := range uint32(r.IntN(6)) {
		q.Anomalies = append(q.Anomalies, ipc.Anomaly{Type: kind + 1, Severity: r.Float32()})
	}
	return q
}

func drawnPool(k ipc.Kind) []ipc.Request {
	r, list := rand.New(rand.NewPCG(1, 2)), make([]ipc.Request, pool)
	for i := range list {
		list[i] = drawn(r, k)
	}
	return list
}

// toy is the small dense network of the whole-chain benchmark.
func toy(b *testing.B, k ipc.Kind) *Predictor {
	data, err := os.ReadFile(fmt.Sprintf("../../bench/toy/%v.onnx", k))
	if err != nil {
		b.Fatal(err)
	}
	m, err := engine.Load(data, engine.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	p, err := New(k, m, nil)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// alone takes what is known of agents' longer past away.
func alone(reqs []ipc.Request) []ipc.Request {
	for _, q := range reqs {
		w := q.(*ipc.WorkloadRequest)
		w.CPUPast, w.MemoryPast, w.GPUPast = nil, nil, nil
	}
	return reqs
}

// eachModel runs f for the shipped models and for the toys, with questions for them.
func eachModel(b *testing.B, f func(b *testing.B, p *Predictor, reqs []ipc.Request)) {
	for _, k := range ipc.Kinds {
		b.Run(k.String(), func(b *testing.B) { f(b, predictor(b, k), drawnPool(k)) })
	}
	b.Run("workload-alone", func(b *testing.B) { f(b, predictor(b, ipc.Workload), alone(drawnPool(ipc.Workload))) })
	for _, k := range []ipc.Kind{ipc.Workload, ipc.Failure} {
		b.Run("toy-"+k.String(), func(b *testing.B) { f(b, toy(b, k), drawnPool(k)) })
	}
}

// perItem reports the time of one of n requests of a call.
func perItem(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/item")
}

// BenchmarkPredict times calls of one request and of 64. Budget for the shipped
// models: 5 µs for one, 2 µs an item at 64; memory, which ranks candidates, 40
// and 25.
func BenchmarkPredict(b *testing.B) {
	eachModel(b, func(b *testing.B, p *Predictor, reqs []ipc.Request) {
		for _, n := range []int{1, 64} {
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				out, at := make([]ipc.Prediction, n), 0
				b.ReportAllocs()
				for b.Loop() {
					if err := p.Predict(reqs[at:at+n], out); err != nil {
						b.Fatal(err)
					}
					at = (at + n) % pool
				}
				perItem(b, n)
			})
		}
	})
}

// BenchmarkStages times what a call of 64 consists of: rows, model, answers.
func BenchmarkStages(b *testing.B) {
	eachModel(b, func(b *testing.B, p *Predictor, reqs []ipc.Request) {
		const n = 64
		w, out, width := p.worker(), make([]ipc.Prediction, n), p.model.Inputs()
		w.input = make([]float32, n*p.family.maxRows()*width) // memory's rows do not fit the worker's
		w.session = p.model.NewSession(n * p.family.maxRows())
		rows, at := 0, 0
		prepare := func() {
			rows = 0
			for i := range n {
				w.slots[i].rows = p.family.prepare(reqs[at+i], &w.slots[i], w.input[rows*width:])
				rows += w.slots[i].rows
			}
		}
		b.Run("features", func(b *testing.B) {
			for b.Loop() {
				prepare()
				at = (at + n) % pool
			}
			perItem(b, n)
		})
		prepare()
		b.Run("engine", func(b *testing.B) {
			for b.Loop() {
				if err := w.session.Run(w.input[:rows*width], rows); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b, n)
		})
		b.Run("conclude", func(b *testing.B) {
			for b.Loop() {
				first := 0
				for i := range n {
					p.family.conclude(reqs[at+i], &w.slots[i], w, first, &out[i])
					first += w.slots[i].rows
				}
			}
			perItem(b, n)
		})
	})
}
