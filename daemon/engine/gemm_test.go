package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// layer is one product with memory around its rows that must stay untouched.
type layer struct {
	g                     *gemm
	features, width, rows int
	weights, bias         []float32 // as in a file: features × width, width
	x, y                  []float32
	room                  []float32 // y with guards around it
}

const (
	guard     = 16
	untouched = float32(-12345.678)
)

// randomLayer draws weights and rows; odd is the share of values that are
// infinite, zero of either sign, tiny or no number at all.
func randomLayer(r *rand.Rand, features, width, rows int, relu bool, odd float64) *layer {
	draw := func(n int) []float32 { return oddNumbers(r, n, odd) }
	l := &layer{features: features, width: width, rows: rows, weights: draw(features * width), bias: draw(width), x: draw(rows * features)}
	l.g = newGemm(&buffer{width: features}, &buffer{width: width}, l.weights, 1)
	l.g.relu = relu
	for j, v := range l.bias {
		l.g.bias[j/panelWidth][j%panelWidth] = v
	}
	l.room = make([]float32, guard+rows*width+guard)
	l.y = l.room[guard:][: rows*width : rows*width]
	return l
}

// oddNumbers draws n numbers of which a share of odd are infinite, zero of either sign, tiny
// or no number at all.
func oddNumbers(r *rand.Rand, n int, odd float64) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), inf32, -inf32, 1e-42, -1e-42, math.MaxFloat32, float32(math.NaN())}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
		if r.Float64() < odd {
			v[i] = special[r.IntN(len(special))]
		}
	}
	return v
}

// plain is the product as gemm's comment defines it.
func (l *layer) plain(row, column int) float32 {
	sum := l.bias[column]
	for i := range l.features {
		sum += float32(l.x[row*l.features+i] * l.weights[i*l.width+column])
	}
	if l.g.relu {
		return max(sum, 0)
	}
	return sum
}

// check runs one form of the product and compares it with the definition.
func (l *layer) check(run func(x, y []float32)) error {
	return checkRows(l.room, l.y, l.width, func() { run(l.x, l.y) }, func(i int) float32 { return l.plain(i/l.width, i%l.width) })
}

// checkRows compares what run writes to y with want bit for bit, all NaN being one. y lies in
// room between guards, which must stay as they were.
func checkRows(room, y []float32, width int, run func(), want func(i int) float32) error {
	for i := range room {
		room[i] = untouched
	}
	run()
	for i, got := range y {
		want := want(i)
		if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
			return fmt.Errorf("row %d column %d = %v, want %v", i/width, i%width, got, want)
		}
	}
	for i, v := range room {
		if (i < guard || i >= len(room)-guard) && v != untouched {
			return fmt.Errorf("wrote %v at %d, %d numbers from the front", v, i-guard, len(y))
		}
	}
	return nil
}

func (l *layer) checkBoth(t *testing.T) {
	t.Helper()
	at := fmt.Sprintf("%d rows of %d to %d, relu %v", l.rows, l.features, l.width, l.g.relu)
	if err := l.check(l.g.scalar); err != nil {
		t.Errorf("%s: scalar: %v", at, err)
	}
	if !hasVector {
		return
	}
	if err := l.check(l.g.vector); err != nil {
		t.Errorf("%s: vector: %v", at, err)
	}
}

// TestProductsAreExact holds both forms of the product to its definition over
// odd widths and heights.
func TestProductsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, features := range []int{1, 2, 3, 7, 16, 36, 41} {
		for _, width := range []int{1, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33} {
			for rows := range 10 {
				randomLayer(r, features, width, rows, rows%2 == 0, float64(rows%3)/20).checkBoth(t)
			}
		}
	}
	if !hasVector {
		t.Log("this machine has no vector code: only the scalar form was checked")
	}
}

// FuzzProduct looks for shapes and values that part the two forms or make either
// write outside its rows.
func FuzzProduct(f *testing.F) {
	f.Add(uint64(1), uint8(36), uint8(32), uint8(3), true)
	f.Add(uint64(2), uint8(1), uint8(9), uint8(5), false)
	f.Fuzz(func(t *testing.T, seed uint64, features, width, rows uint8, relu bool) {
		r := rand.New(rand.NewPCG(seed, 1))
		randomLayer(r, 1+int(features)%80, 1+int(width)%80, int(rows)%20, relu, float64(seed%4)/10).checkBoth(t)
	})
}

// BenchmarkProduct compares the two forms on the first layer of the small network.
func BenchmarkProduct(b *testing.B) {
	for _, rows := range []int{1, 3, 64} {
		l := randomLayer(rand.New(rand.NewPCG(1, 2)), 36, 32, rows, true, 0)
		forms := map[string]func(x, y []float32){"scalar": l.g.scalar}
		if hasVector {
			forms["vector"] = l.g.vector
		}
		for name, form := range forms {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				for b.Loop() {
					form(l.x, l.y)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
			})
		}
	}
}
