package report

import (
	"encoding/json"
	"math"
	"time"
)

// Schema names the JSON form. A change that readers could trip over gets a new
// number; new fields do not.
const Schema = "mlbridge.report/1"

// Report is everything that is known about a run when it has ended.
type Report struct {
	Schema  string    `json:"schema"` // [Schema]
	Title   string    `json:"title"`
	Created time.Time `json:"created"`
	Host    Host      `json:"host"`
	Run     Run       `json:"run"`
	Verdict Verdict   `json:"verdict"`

	// Sources are the names of those who may answer, in the order in which every
	// per-source list of the report has them.
	Sources []string `json:"sources"`
	// Total adds all predictions up; its CDF is empty.
	Total       Prediction   `json:"total"`
	Predictions []Prediction `json:"predictions"`
	// Pacing is how late the load generator itself was.
	Pacing Latency `json:"pacing_error"`
	// Timeline is in order of time.
	Timeline []Interval `json:"timeline"`

	Comparisons []Comparison `json:"comparisons"`
	Effects     []Effect     `json:"effects"`
	// Notes say in whole sentences what a reader has to know: what was simulated,
	// recorded or live, and what the figures leave out.
	Notes []string `json:"notes"`
}

// Run is how the run was set up.
type Run struct {
	Mode        string            `json:"mode"`     // "open" or "closed"
	Schedule    string            `json:"schedule"` // e.g. "constant 2000/s"
	Began       time.Time         `json:"began"`
	Seconds     float64           `json:"seconds"`          // of the measured part
	Planned     float64           `json:"planned_seconds"`  // what was meant to be measured
	Overtime    float64           `json:"overtime_seconds"` // how long after its end the last start came, where the generator stood still
	Warmup      float64           `json:"warmup_seconds"`   // before it, left out of all figures
	WarmupCalls uint64            `json:"warmup_calls"`
	BudgetUS    float64           `json:"budget_us"`
	Required    float64           `json:"required_share"`
	Rate        float64           `json:"answers_per_second"`
	Processors  float64           `json:"processors"` // that kernelsim had on average, warm-up and all
	Interrupted bool              `json:"interrupted"`
	Settings    map[string]string `json:"settings,omitempty"` // whatever else was chosen
}

// Verdict is the result in one line.
type Verdict struct {
	State  string  `json:"state"` // "pass", "fail" or "void"
	Share  float64 `json:"share"` // of all intended calls answered within the budget
	Reason string  `json:"reason"`
	Remedy string  `json:"remedy,omitempty"` // of a void run: what would help
}

// Latency sums up a distribution of times in microseconds. All zero without values. Of
// predictions the percentiles are among all calls, and one that falls on a call without an
// answer is 2^63 ns, about 9.2e15 µs; Max is the slowest answer.
type Latency struct {
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p99_9_us"`
	Max  float64 `json:"max_us"`
}

// Prediction is what was measured of one kind of prediction.
// Calls = Answered + Errors + Dropped + Lost.
type Prediction struct {
	Name     string  `json:"name"`
	Calls    uint64  `json:"calls"` // that the schedule asked for
	Answered uint64  `json:"answered"`
	InBudget uint64  `json:"in_budget"`
	Share    float64 `json:"share"`   // InBudget / Calls
	Errors   uint64  `json:"errors"`  // ended without an answer
	Dropped  uint64  `json:"dropped"` // never made: too many in flight
	Lost     uint64  `json:"lost"`    // no answer by the end

	Latency  Latency   `json:"latency"`      // from the intended start
	NaiveP99 float64   `json:"naive_p99_us"` // from the actual send, of answers
	Sources  []Source  `json:"sources"`      // as Report.Sources
	CDF      []Point   `json:"cdf"`          // of Latency
	Messages []Message `json:"error_texts"`  // most frequent first
}

// Source is what one source answered.
type Source struct {
	Name  string  `json:"name"`
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
	// Reasons say why a better source did not answer, most frequent first. Answers
	// of the Count that they do not cover came without one.
	Reasons []Reason `json:"reasons,omitempty"`
}

// Reason is why a better source did not answer, and how often.
type Reason struct {
	Name  string `json:"reason"` // as the protocol phrases it: "low confidence"
	Count uint64 `json:"count"`
}

// Point says that Share of all intended calls had their answer within US.
type Point struct {
	US    float64 `json:"us"`
	Share float64 `json:"share"`
}

// Message is an error text and how often it came.
type Message struct {
	Text  string `json:"text"`
	Count uint64 `json:"count"`
}

// Interval is a stretch of the timeline.
type Interval struct {
	End      float64  `json:"end_s"` // since the start of the measured part
	Length   float64  `json:"length_s"`
	Answered uint64   `json:"answered"`
	InBudget uint64   `json:"in_budget"`
	Errors   uint64   `json:"errors"`
	Dropped  uint64   `json:"dropped"`
	Sources  []uint64 `json:"sources"` // answers, as Report.Sources
	P50      float64  `json:"p50_us"`  // of the answers; 0 when nothing was answered
	P99      float64  `json:"p99_us"`
}

// Comparison sets the model against the rule on outcomes.
type Comparison struct {
	Subsystem      string   `json:"subsystem"`
	Metric         string   `json:"metric"`
	Unit           string   `json:"unit,omitempty"`
	ML             *float64 `json:"ml"`   // nil: not measured
	Rule           *float64 `json:"rule"` // nil: not measured
	HigherIsBetter bool     `json:"higher_is_better"`
	N              uint64   `json:"n"` // outcomes behind it
	// Difference is the 95 % interval of ML − rule, where it is known.
	Difference *Span  `json:"difference_95,omitempty"`
	Better     string `json:"better"` // filled in by Judge
	Note       string `json:"note,omitempty"`
}

// Span is an interval.
type Span struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// What Comparison.Better can say.
const (
	BetterML      = "ml"
	BetterRule    = "rule"
	BetterUnclear = "unclear" // equal, or the interval of the difference spans 0
	BetterUnknown = ""        // one of the two was not measured
)

// Judge fills in Better and returns the comparison. A difference that may as well
// be none, by its interval, is unclear, whatever the two values are.
func (c Comparison) Judge() Comparison {
	switch {
	case c.ML == nil || c.Rule == nil:
		c.Better = BetterUnknown
	case *c.ML == *c.Rule, c.Difference != nil && c.Difference.Low <= 0 && c.Difference.High >= 0:
		c.Better = BetterUnclear
	case (*c.ML > *c.Rule) == c.HigherIsBetter:
		c.Better = BetterML
	default:
		c.Better = BetterRule
	}
	return c
}

// Effect is something the predictions did to the simulated system.
type Effect struct {
	Subsystem string
	Name      string
	Value     float64 // NaN, in JSON null: not measured
	Unit      string
	Note      string
}

// written is Effect in JSON.
type written struct {
	Subsystem string   `json:"subsystem"`
	Name      string   `json:"name"`
	Value     *float64 `json:"value"`
	Unit      string   `json:"unit,omitempty"`
	Note      string   `json:"note,omitempty"`
}

// MarshalJSON writes null for a value that is none.
func (e Effect) MarshalJSON() ([]byte, error) {
	return json.Marshal(written{e.Subsystem, e.Name, Value(e.Value), e.Unit, e.Note})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Effect) UnmarshalJSON(data []byte) error {
	var w written
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*e = Effect{w.Subsystem, w.Name, math.NaN(), w.Unit, w.Note}
	if w.Value != nil {
		e.Value = *w.Value
	}
	return nil
}

// Value is v for a field that may be unknown: nil when v is not a finite number.
func Value(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// New is an empty report about this program on this host, made now.
func New(title string) *Report {
	return &Report{
		Schema: Schema, Title: title, Created: time.Now().UTC(), Host: ThisHost(),
		Verdict: Verdict{State: "void", Reason: "nothing was measured"},
		Sources: []string{}, Predictions: []Prediction{}, Timeline: []Interval{},
		Comparisons: []Comparison{}, Effects: []Effect{}, Notes: []string{},
	}
}
