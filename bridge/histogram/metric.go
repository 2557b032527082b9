package histogram

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// bounds are the classic buckets' upper ends: 15 µs to 1 s, from 0.5 to 2 ms in half
// octaves. They are ends of native buckets, so that no bucket has to be split, and
// therefore not round: whether a call kept its budget is counted apart and exactly.
var bounds = []int{
	-16 * perOctave, -15 * perOctave, -14 * perOctave, -13 * perOctave, -12 * perOctave, -11 * perOctave,
	-11*perOctave + perOctave/2, -10 * perOctave, -10*perOctave + perOctave/2, -9 * perOctave,
	-8 * perOctave, -7 * perOctave, -5 * perOctave, -3 * perOctave, 0,
}

// metric is a histogram with its labels, for one scrape.
type metric struct {
	desc      *prometheus.Desc
	histogram *Histogram
	labels    []*dto.LabelPair
	created   time.Time
}

// Metric gives h to Prometheus under desc, whose variable labels have these values.
// The text formats carry the classic buckets, protobuf both.
func (h *Histogram) Metric(desc *prometheus.Desc, created time.Time, labels ...*dto.LabelPair) prometheus.Metric {
	return &metric{desc, h, labels, created}
}

// Label is a label's name and value.
func Label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func (m *metric) Desc() *prometheus.Desc { return m.desc }

func (m *metric) Write(out *dto.Metric) error {
	var c Counts
	m.histogram.Read(&c)
	out.Label = m.labels
	out.Histogram = c.dto()
	out.Histogram.CreatedTimestamp = timestamppb.New(m.created)
	m.histogram.exemplify(out.Histogram)
	return nil
}

func (c *Counts) dto() *dto.Histogram {
	sum, zero, threshold := c.Sum.Seconds(), uint64(0), 0.0
	exponent := int32(schema)
	h := &dto.Histogram{SampleCount: &c.N, SampleSum: &sum, Schema: &exponent, ZeroCount: &zero, ZeroThreshold: &threshold}
	total, from := uint64(0), 0
	for _, key := range bounds {
		for ; from <= key-first; from++ {
			total += c.n[from]
		}
		n, le := total, upper(key-first)
		h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: &n, UpperBound: &le})
	}
	h.PositiveSpan, h.PositiveDelta = c.spans()
	return h
}

// exemplify gives each classic bucket the latest traced duration in it, and all of them
// to the native one.
func (h *Histogram) exemplify(out *dto.Histogram) {
	from := 0
	for i, key := range bounds {
		var latest *exemplar
		for ; from <= key-first; from++ {
			if e := h.exemplars[from].Load(); e != nil && (latest == nil || e.at.After(latest.at)) {
				latest = e
			}
		}
		if latest == nil {
			continue
		}
		seconds := latest.took.Seconds()
		out.Bucket[i].Exemplar = &dto.Exemplar{
			Label: []*dto.LabelPair{Label("trace_id", latest.trace)}, Value: &seconds, Timestamp: timestamppb.New(latest.at),
		}
		out.Exemplars = append(out.Exemplars, out.Bucket[i].Exemplar)
	}
}

// spans writes the buckets that are not empty as the native form has them: runs with
// the gap before each, and counts as differences from one bucket to the next. A gap of
// up to two empty buckets is cheaper written out than as a span of its own.
func (c *Counts) spans() (spans []*dto.BucketSpan, deltas []int64) {
	const worthASpan = 3
	next, before := 0, int64(0) // the place after the last written, its count
	for i, n := range c.n {
		if n == 0 {
			continue
		}
		gap := i - next
		switch {
		case len(spans) == 0:
			spans = append(spans, span(i+first))
		case gap >= worthASpan:
			spans = append(spans, span(gap))
		default:
			for range gap {
				deltas = append(deltas, -before)
				before = 0
			}
			*spans[len(spans)-1].Length += uint32(gap)
		}
		*spans[len(spans)-1].Length++
		deltas = append(deltas, int64(n)-before)
		before, next = int64(n), i+1
	}
	if spans == nil { // an empty native histogram says that it is one with an empty span
		spans = append(spans, span(0))
	}
	return spans, deltas
}

func span(offset int) *dto.BucketSpan {
	o, length := int32(offset), uint32(0)
	return &dto.BucketSpan{Offset: &o, Length: &length}
}
