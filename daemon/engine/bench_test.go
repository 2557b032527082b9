package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// randomRows draws n rows of standard normals.
func randomRows(rng *rand.Rand, n, features int) []float32 {
	rows := make([]float32, n*features)
	for i := range rows {
		rows[i] = float32(rng.NormFloat64())
	}
	return rows
}

// mlpFile is the 35-32-16-4 network of the speed targets.
func mlpFile(rng *rand.Rand) []byte {
	var nodes, tensors []msg
	sizes, last := []int{35, 32, 16, 4}, "x"
	for i := range 3 {
		k, n := sizes[i], sizes[i+1]
		w, b, g, r := fmt.Sprint("w", i), fmt.Sprint("b", i), fmt.Sprint("g", i), fmt.Sprint("r", i)
		tensors = append(tensors, floatTensor(w, randomRows(rng, k, n), int64(k), int64(n)), floatTensor(b, randomRows(rng, 1, n), int64(n)))
		nodes = append(nodes, node("", "Gemm", []string{last, w, b}, []string{g}))
		if last = g; i < 2 {
			nodes = append(nodes, node("", "Relu", []string{g}, []string{r}))
			last = r
		}
	}
	nodes = append(nodes, node("", "Sigmoid", []string{last}, []string{"y"}))
	return chain(35, tensors, nodes...)
}

// scaledFile is a wide network behind a scaler, as Sub, Div and Clip.
func scaledFile(rng *rand.Rand) []byte {
	positive := randomRows(rng, 1, 203)
	for i, v := range positive {
		positive[i] = abs32(v) + 0.1
	}
	return chain(203, []msg{
		floatTensor("mean", randomRows(rng, 1, 203), 203), floatTensor("deviation", positive, 203),
		floatTensor("low", []float32{-3}), floatTensor("high", []float32{3}),
		floatTensor("w", randomRows(rng, 203, 32), 203, 32), floatTensor("b", randomRows(rng, 1, 32), 32),
		floatTensor("w1", randomRows(rng, 32, 1), 32, 1),
	},
		node("", "Sub", []string{"x", "mean"}, []string{"centred"}), node("", "Div", []string{"centred", "deviation"}, []string{"scaled"}),
		node("", "Clip", []string{"scaled", "low", "high"}, []string{"cut"}),
		node("", "Gemm", []string{"cut", "w", "b"}, []string{"g"}), node("", "Relu", []string{"g"}, []string{"h"}),
		node("", "Gemm", []string{"h", "w1"}, []string{"y"}))
}

// forestFile is a regressor of full binary trees with random tests.
func forestFile(rng *rand.Rand, trees, depth, features int) []byte {
	var a treeAttrs
	for t := range int64(trees) {
		branches := int64(1)<<depth - 1
		for n := range 2*branches + 1 {
			if n < branches {
				a.branch(t, n, rng.Int64N(int64(features)), float32(rng.NormFloat64()), 2*n+1, 2*n+2)
			} else {
				a.leaf(t, n, float32(rng.NormFloat64()))
			}
		}
	}
	return chain(int64(features), nil, a.nodeProto())
}

// boostedFile is a regressor of lopsided trees as LightGBM grows them, always
// splitting some leaf until there are enough.
func boostedFile(rng *rand.Rand, trees, leaves, features int) []byte {
	var a treeAttrs
	for t := range int64(trees) {
		kids, open := map[int64]int64{}, []int64{0}
		for fresh := int64(1); len(open) < leaves; fresh += 2 {
			i := rng.IntN(len(open))
			kids[open[i]] = fresh
			open[i] = fresh
			open = append(open, fresh+1)
		}
		for n := range int64(2*leaves - 1) {
			if left, ok := kids[n]; ok {
				a.branch(t, n, rng.Int64N(int64(features)), float32(rng.NormFloat64()), left, left+1)
			} else {
				a.leaf(t, n, float32(rng.NormFloat64()))
			}
		}
	}
	return chain(int64(features), nil, a.nodeProto())
}

// joinedFile is parts of that many trees of 16 leaves, each for rows above zero in a
// column of its own.
func joinedFile(rng *rand.Rand, parts, trees, features int) []byte {
	var a treeAttrs
	for t := range int64(parts * trees) {
		a.gatedTree(rng, t, []head{{column: t / int64(trees), mode: "BRANCH_GT", goOn: true}}, 16, features)
	}
	return chain(int64(features), nil, a.nodeProto())
}

// BenchmarkJoined has rows of one part each, in any order.
func BenchmarkJoined(b *testing.B) {
	const parts, features = 4, 35
	m, err := Load(joinedFile(rand.New(rand.NewPCG(1, 2)), parts, 25, features), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	rows := randomRows(rng, benchPool, features)
	for i := 0; i < len(rows); i += features {
		clear(rows[i : i+parts])
		rows[i+rng.IntN(parts)] = 1
	}
	benchRows(b, m, rows)
}

// cpuTime is the processor time of the process so far: on a busy machine it
// moves less than the time on the wall.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchRun cycles through many distinct rows: with one row repeated the branch
// predictor learns the answer. missing is the share of NaN.
func benchRun(b *testing.B, data []byte, missing float64) {
	m, err := Load(data, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	rows := randomRows(rand.New(rand.NewPCG(3, 4)), benchPool, m.Inputs())
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range rows {
		if rng.Float64() < missing {
			rows[i] = float32(math.NaN())
		}
	}
	benchRows(b, m, rows)
}

// benchPool is how many rows a benchmark goes through.
const benchPool = 1024

func benchRows(b *testing.B, m *Model, rows []float32) {
	f := m.Inputs()
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("batch=", n), func(b *testing.B) {
			s := m.NewSession(n)
			at := 0
			b.ReportAllocs()
			before := cpuTime()
			for b.Loop() {
				if err := s.Run(rows[at*f:(at+n)*f], n); err != nil {
					b.Fatal(err)
				}
				at = (at + n) % benchPool
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
			b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/row")
		})
	}
}

func BenchmarkMLP(b *testing.B) { benchRun(b, mlpFile(rand.New(rand.NewPCG(1, 2))), 0) }

func BenchmarkScaled(b *testing.B) { benchRun(b, scaledFile(rand.New(rand.NewPCG(1, 2))), 0) }

func BenchmarkTrees(b *testing.B) {
	benchRun(b, forestFile(rand.New(rand.NewPCG(1, 2)), 100, 6, 35), 0)
}

func BenchmarkBoosted(b *testing.B) {
	benchRun(b, boostedFile(rand.New(rand.NewPCG(1, 2)), 100, 31, 35), 0)
}

// BenchmarkMissing is BenchmarkBoosted with one value in ten missing.
func BenchmarkMissing(b *testing.B) {
	benchRun(b, boostedFile(rand.New(rand.NewPCG(1, 2)), 100, 31, 35), 0.1)
}

func BenchmarkLoad(b *testing.B) {
	data := forestFile(rand.New(rand.NewPCG(1, 2)), 100, 6, 35)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
