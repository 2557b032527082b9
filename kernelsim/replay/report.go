package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/ipc/record"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Report is what a replay found, as JSON and as text.
type Report struct {
	Recording   Source        `json:"recording"`
	Speed       float64       `json:"speed"`
	Sides       []Side        `json:"sides"`
	Comparisons []*Comparison `json:"comparisons"`
	Notes       []string      `json:"notes,omitempty"`
}

// Source is about the file.
type Source struct {
	Bridge   string    `json:"bridge"`
	Began    time.Time `json:"began"`
	Lasts    float64   `json:"seconds"`
	Redacted bool      `json:"redacted"`
	Calls    int       `json:"calls"`
	Outcomes int       `json:"outcomes"` // messages; not played back
	Lost     uint64    `json:"lost"`     // messages that are not in it
	Cut      bool      `json:"cut"`
}

// Side is one side's latencies, in µs, of answers. Those of the recording are from a call's arrival
// in the bridge to its answer's departure; those of a replay from its intended start to
// the caller's waking up.
type Side struct {
	Name     string            `json:"name"`
	Calls    int               `json:"calls"`
	Answered uint64            `json:"answered"`
	InBudget int               `json:"in_budget"`
	NotSent  int               `json:"not_sent"`            // no caller was free, or the run was interrupted
	BySource map[string]uint64 `json:"by_source,omitempty"` // of each call's first answer
	P50      float64           `json:"p50_us"`
	P99      float64           `json:"p99_us"`
	P999     float64           `json:"p999_us"`
	Max      float64           `json:"max_us"`
	// PacingP99 is how late the player itself made calls; above MaxPacingError the
	// latencies say little about the bridge, and Void is set.
	PacingP99 float64 `json:"pacing_p99_us,omitempty"`
	Void      bool    `json:"void,omitempty"`
}

// NewReport begins a report with the recording's own side.
func NewReport(rec *record.Recording, speed float64) *Report {
	last := rec.Calls[len(rec.Calls)-1].At - rec.Calls[0].At
	r := &Report{Speed: speed, Recording: Source{
		Bridge: rec.Header.Name, Began: rec.Header.Began, Lasts: last.Seconds(), Redacted: rec.Header.Redacted,
		Calls: len(rec.Calls), Outcomes: rec.Outcomes, Lost: rec.Lost, Cut: rec.Cut,
	}}
	if rec.Outcomes > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d outcome messages were not played back: they name predictions of the recorded bridge", rec.Outcomes))
	}
	if rec.Lost > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d messages are not in the recording", rec.Lost))
	}
	if rec.Cut {
		r.Notes = append(r.Notes, "the recording has no end: its bridge was killed, or its disk was full")
	}
	return r
}

// AddRecorded adds the recording as a side.
func (r *Report) AddRecorded(calls []record.Call) {
	h := hdrhistogram.New(1, int64(time.Minute), 3)
	s := Side{Name: "recorded", Calls: len(calls)}
	for i := range calls {
		if calls[i].Answer != nil {
			s.Answered++
			_ = h.RecordValue(min(max(int64(calls[i].Took), 1), int64(time.Minute)))
		}
	}
	s.latencies(h)
	s.InBudget = -1 // a bridge does not know when the caller got it
	r.Sides = append(r.Sides, s)
}

// Add adds what a bridge answered as a side.
func (r *Report) Add(name string, p *Played) {
	all := p.Load.Total()
	s := Side{Name: name, Calls: len(p.Replies), Answered: all.Answered, NotSent: p.NotSent, BySource: map[string]uint64{}}
	for _, late := range p.Late {
		if !late {
			s.InBudget++
		}
	}
	for i, src := range all.Sources {
		s.BySource[drive.Sources[i]] = src.Count
	}
	s.latencies(all.Latency)
	pacing := load.QuantilesOf(p.Load.Pacing).P99
	s.PacingP99, s.Void = micros(pacing), pacing > load.MaxPacingError
	if s.Void {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: the player itself was late (p99 %v): its latencies say little about the bridge", name, pacing.Round(time.Microsecond)))
	}
	switch {
	case p.Load.Interrupted:
		r.Notes = append(r.Notes, fmt.Sprintf("%s: interrupted; %d calls were not sent, and this is about the others", name, p.NotSent))
	case p.NotSent > 0:
		r.Notes = append(r.Notes, fmt.Sprintf("WARNING: %s: %d of %d calls were not sent, for all callers were waiting for answers: this is no replay of the recording; give more --callers, or less --speed", name, p.NotSent, s.Calls))
	}
	for text, n := range all.Messages {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: %d calls ended with: %s", name, n, text))
	}
	r.Sides = append(r.Sides, s)
}

func (s *Side) latencies(h *hdrhistogram.Histogram) {
	q := load.QuantilesOf(h)
	s.P50, s.P99, s.P999, s.Max = micros(q.P50), micros(q.P99), micros(q.P999), micros(q.Max)
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	src := &r.Recording
	ids := "ids as they are"
	if src.Redacted {
		ids = "ids redacted"
	}
	fmt.Fprintf(w, "recording of %s, %s: %d calls in %.1f s, %s; played at %g times its speed\n\n",
		src.Bridge, src.Began.Format(time.RFC3339), src.Calls, src.Lasts, ids, r.Speed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tnot sent\tanswered\tin budget\tp50 µs\tp99 µs\tp99.9 µs\tmax µs\tmodel\tcache\tstale\trule\t")
	for _, s := range r.Sides {
		in, by, unsent := "", "\t\t\t", ""
		if s.InBudget >= 0 {
			unsent = fmt.Sprint(s.NotSent)
			in = fmt.Sprintf("%.3f %%", 100*float64(s.InBudget)/float64(max(s.Calls, 1)))
			counts := make([]string, len(drive.Sources))
			for i, name := range drive.Sources {
				counts[i] = fmt.Sprint(s.BySource[name])
			}
			by = strings.Join(counts, "\t")
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t\n", s.Name, unsent, s.Answered, in, s.P50, s.P99, s.P999, s.Max, by)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Comparisons {
		fmt.Fprintf(w, "\n%s and %s, slot by slot:\n", c.A, c.B)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "\tslots\tboth model, or both rule\tidentical\tmean difference\tlargest\tother sources\tone side only\tneither\t")
		for _, k := range c.Kinds {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%.4g\t%.4g\t%d\t%d\t%d\t\n", k.Kind, k.Slots, k.Alike, k.Identical, k.MeanDifference, k.MaxDifference, k.Otherwise, k.OnlyA+k.OnlyB, k.Neither)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, k := range c.Kinds {
			fmt.Fprintf(w, "  %s: %s beside %s\n", k.Kind, strings.Join(k.ModelsA, ", "), strings.Join(k.ModelsB, ", "))
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	return nil
}
