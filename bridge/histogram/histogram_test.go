package histogram

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Every duration lies in its bucket: above the end of the one before, at most at its own.
func TestBucketHoldsItsDuration(t *testing.T) {
	check := func(d time.Duration) {
		i, v := bucket(d), float64(d)*1e-9
		if (i > 0 && v <= upper(i-1)) || (i < size-1 && v > upper(i)) {
			t.Errorf("bucket(%d ns) = %d, which is (%v, %v]", d, i, upper(i-1), upper(i))
		}
	}
	for d := range time.Duration(5000) {
		check(d)
	}
	for i := range size {
		end := time.Duration(upper(i) * 1e9)
		for d := end - 2; d <= end+2; d++ {
			check(d)
		}
	}
	for range 100_000 {
		check(time.Duration(math.Exp2(rand.Float64() * 40)))
	}
	for d, want := range map[time.Duration]int{-1: 0, 0: 0, time.Second: -first, time.Hour: size - 1, math.MaxInt64: size - 1} {
		if got := bucket(max(d, 0)); got != want {
			t.Errorf("bucket(%v) = %d, want %d", d, got, want)
		}
	}
}

// What the library makes of the same durations is what we write: same schema, same
// spans, same differences. (The library counts without our outermost bounds, which
// the durations here stay inside of.)
func TestMetricEqualsTheLibrarys(t *testing.T) {
	for _, n := range []int{0, 1, 3, 1000} {
		var ours Histogram
		theirs := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x_seconds", Help: "x", Buckets: classic(), NativeHistogramBucketFactor: 1.1})
		for range n {
			d := time.Duration(math.Exp2(11 + rand.Float64()*20))
			ours.Observe(d)
			theirs.Observe(float64(d) * 1e-9)
		}
		var got, want dto.Metric
		if err := ours.Metric(theirs.Desc(), time.Now()).Write(&got); err != nil {
			t.Fatal(err)
		}
		if err := theirs.Write(&want); err != nil {
			t.Fatal(err)
		}
		g, w := got.Histogram, want.Histogram
		if d := math.Abs(g.GetSampleSum() - w.GetSampleSum()); d > 1e-9*float64(n) {
			t.Errorf("%d: sum %v, the library's is %v", n, g.GetSampleSum(), w.GetSampleSum())
		}
		type parts struct {
			Count   uint64
			Schema  int32
			Classic map[float64]uint64
			Native  map[int32]int64
		}
		read := func(h *dto.Histogram) parts {
			p := parts{h.GetSampleCount(), h.GetSchema(), map[float64]uint64{}, map[int32]int64{}}
			for _, b := range h.Bucket {
				p.Classic[b.GetUpperBound()] = b.GetCumulativeCount()
			}
			at, count, i := int32(0), int64(0), 0
			for _, s := range h.PositiveSpan {
				at += s.GetOffset()
				for range s.GetLength() {
					if count += h.PositiveDelta[i]; count != 0 {
						p.Native[at] = count
					}
					at++
					i++
				}
			}
			return p
		}
		if diff := cmp.Diff(read(w), read(g)); diff != "" {
			t.Errorf("%d durations, library's against ours:\n%s", n, diff)
		}
		if len(g.PositiveSpan) == 0 {
			t.Errorf("%d: no span: that is no native histogram", n)
		}
	}
}

func classic() (b []float64) {
	for _, key := range bounds {
		b = append(b, upper(key-first))
	}
	return b
}

func TestQuantile(t *testing.T) {
	var h Histogram
	var before, c Counts
	h.Observe(time.Hour) // before what is asked about
	h.Read(&before)
	for i := range 1000 {
		h.Observe(time.Duration(i+1) * time.Microsecond)
	}
	h.Read(&c)
	c.Sub(&before)
	for q, want := range map[float64]time.Duration{0: time.Microsecond, 0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 1: time.Millisecond} {
		if got := c.Quantile(q); got < want*99/100 || got > want*110/100 {
			t.Errorf("quantile %v = %v, want %v and at most 9 %% more", q, got, want)
		}
	}
	if c.N != 1000 || c.Sum != 500500*time.Microsecond {
		t.Errorf("%d durations, sum %v", c.N, c.Sum)
	}
	sum := before
	sum.Add(&c)
	if sum.N != 1001 || sum.Quantile(1) != time.Duration(upper(size-1)*1e9) {
		t.Errorf("added: %d, longest %v", sum.N, sum.Quantile(1))
	}
	if (&Counts{}).Quantile(0.5) != 0 {
		t.Error("the quantile of nothing is not 0")
	}
}

// The latest traced duration of each classic bucket is its exemplar.
func TestExemplars(t *testing.T) {
	var h Histogram
	h.Observe(10 * time.Microsecond)
	h.Exemplify(20*time.Microsecond, "first")
	h.Exemplify(21*time.Microsecond, "second")
	h.Exemplify(time.Millisecond/2, "other")
	h.Exemplify(time.Millisecond, "")
	var m dto.Metric
	desc := prometheus.NewDesc("x_seconds", "x", nil, nil)
	if err := h.Metric(desc, time.Now()).Write(&m); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, b := range m.Histogram.Bucket {
		if e := b.Exemplar; e != nil {
			if e.GetValue() > b.GetUpperBound() {
				t.Errorf("%v is not in the bucket to %v", e.GetValue(), b.GetUpperBound())
			}
			got[e.Label[0].GetName()+" "+e.Label[0].GetValue()] = e.GetValue()
		}
	}
	if diff := cmp.Diff(map[string]float64{"trace_id second": 21e-6, "trace_id other": 0.0005}, got); diff != "" || len(m.Histogram.Exemplars) != 2 {
		t.Errorf("%s, %d native", diff, len(m.Histogram.Exemplars))
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Observe(123 * time.Microsecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h Histogram
	d := 12 * time.Microsecond
	for b.Loop() {
		h.Observe(d)
		if d += 17; d > time.Millisecond {
			d = 12 * time.Microsecond
		}
	}
}

func BenchmarkLibrary(b *testing.B) {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x", Buckets: classic(), NativeHistogramBucketFactor: 1.1})
	d := 12 * time.Microsecond
	for b.Loop() {
		h.Observe(d.Seconds())
		if d += 17; d > time.Millisecond {
			d = 12 * time.Microsecond
		}
	}
}
