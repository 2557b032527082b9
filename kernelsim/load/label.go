package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms hold nanoseconds from 1 to longest with three significant digits:
// the value read back is within 0.1 % of the one recorded. Longer values are
// recorded as longest.
const (
	longest     = int64(time.Minute)
	significant = 3
)

// maxMessages bounds how many different error texts a label keeps.
const maxMessages = 8

// otherMessages collects the errors beyond the first maxMessages texts.
const otherMessages = "(other errors)"

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, longest, significant)
}

// record adds v to h within what h can hold, so that nothing is ever left out.
func record(h *hdrhistogram.Histogram, v int64) {
	_ = h.RecordValue(min(max(v, 0), longest))
}

// Label is what was measured of the calls of one label. For a finished open-loop
// run, Intended = Answered + Errors + Dropped + Lost.
type Label struct {
	Name string

	Intended uint64 // starts that the schedule asked for
	Answered uint64 // answers, at whatever time
	InBudget uint64 // answers whose latency was at most the budget
	Errors   uint64 // calls that ended without a usable answer
	Dropped  uint64 // starts not made: in-flight bound reached, or out of time
	Lost     uint64 // no answer by the end of the drain time
	// Excused counts those not answered within the budget that the generator itself started
	// too late, by more than [MaxPacingError].
	Excused uint64

	// Latency is finish − intended start of answers, Naive finish − actual send,
	// both in nanoseconds. [Label.Quantiles] knows of the calls without one.
	Latency, Naive *hdrhistogram.Histogram
	// Sources has one entry per name in Options.Sources.
	Sources []Source
	// Messages counts error texts, the first few different ones.
	Messages map[string]uint64
}

// Source is what one source answered.
type Source struct {
	Name    string
	Count   uint64
	Reasons []uint64                // of Count, by Options.Reasons; the rest gave none
	Latency *hdrhistogram.Histogram // nil until the first answer
}

func newLabel(name string, sources, reasons []string) *Label {
	l := &Label{Name: name, Latency: newHistogram(), Naive: newHistogram(), Messages: map[string]uint64{}}
	for _, s := range sources {
		l.Sources = append(l.Sources, Source{Name: s, Reasons: make([]uint64, len(reasons))})
	}
	return l
}

// answer records an answer. source must be in range.
func (l *Label) answer(source int, latency, naive, budget int64) {
	l.Answered++
	if latency <= budget {
		l.InBudget++
	}
	record(l.Latency, latency)
	record(l.Naive, naive)
	s := &l.Sources[source]
	s.Count++
	if s.Latency == nil {
		s.Latency = newHistogram()
	}
	record(s.Latency, latency)
}

func (l *Label) fail(err error) {
	l.Errors++
	l.message(err.Error(), 1)
}

func (l *Label) message(text string, n uint64) {
	if _, known := l.Messages[text]; !known && len(l.Messages) >= maxMessages {
		text = otherMessages
	}
	l.Messages[text] += n
}

// Share is the part of the intended calls that was answered within the budget,
// 0 to 1; 0 when there were none.
func (l *Label) Share() float64 {
	if l.Intended == 0 {
		return 0
	}
	return float64(l.InBudget) / float64(l.Intended)
}

// merge adds other, which must have the same sources and reasons, to l.
func (l *Label) merge(other *Label) {
	l.Intended += other.Intended
	l.Answered += other.Answered
	l.InBudget += other.InBudget
	l.Errors += other.Errors
	l.Dropped += other.Dropped
	l.Lost += other.Lost
	l.Excused += other.Excused
	l.Latency.Merge(other.Latency)
	l.Naive.Merge(other.Naive)
	for i, s := range other.Sources {
		l.Sources[i].Count += s.Count
		for k, n := range s.Reasons {
			l.Sources[i].Reasons[k] += n
		}
		if s.Latency == nil {
			continue
		}
		if l.Sources[i].Latency == nil {
			l.Sources[i].Latency = newHistogram()
		}
		l.Sources[i].Latency.Merge(s.Latency)
	}
	for text, n := range other.Messages {
		l.message(text, n)
	}
}
