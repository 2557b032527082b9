package tail

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/mlbridge/mlbridge/bench/internal/compare"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/ipc"
)

// Cell is all that was measured of a stream under a condition.
type Cell struct {
	Condition Condition
	Stream    Stream
	Runs      []*Run
}

// Report is a whole run.
type Report struct {
	Machine report.Machine `json:"machine"`
	Rate    int            `json:"calls_per_second"`
	Rows    []Row          `json:"rows"`
}

// Row sums a cell up: quantiles and the share within the budget are medians of the
// rounds, as a quarter of a second in which the host was elsewhere must not be all that
// is seen of a condition; the worst call is the worst of all, counts are of all.
type Row struct {
	Condition string `json:"condition"`
	Stream    string `json:"calls_of"`
	title     string
	what      string

	Calls int `json:"calls"`
	Quantiles
	InBudget float64            `json:"share_within_1ms"`
	Sources  map[string]float64 `json:"sources,omitempty"` // shares of all calls
	Reasons  map[string]float64 `json:"reasons,omitempty"` // why nobody better answered, likewise

	Sleeper     Quantiles `json:"sleeper"`     // how late threads were that only slept
	Accompanied float64   `json:"accompanied"` // share of the slowest 0.1 % that a sleeper kept company
	Spell       float64   `json:"longest_spell_without_bridge_ms"`

	Proof      Proof       `json:"proof"`
	Bridge     Collections `json:"ml_bridge_gc"`
	Daemon     Collections `json:"mld_gc"`
	ClientGC   int         `json:"client_gc_cycles"`
	Waiting    Waiting     `json:"waiting_us_per_call"`
	Busy       float64     `json:"cores_busy"`
	Steal      float64     `json:"stolen"`
	Pacing     float64     `json:"client_pacing_p99_us"`
	Reconnects int         `json:"reconnects"`
}

// Budget is what answers are promised in, ns.
const budget = 1_000_000

// NewReport sums everything up.
func NewReport(m report.Machine, rate int, cells []Cell) *Report {
	r := &Report{Machine: m, Rate: rate}
	for i := range cells {
		r.Rows = append(r.Rows, newRow(&cells[i]))
	}
	return r
}

func newRow(c *Cell) Row {
	r := Row{Condition: c.Condition.Name, Stream: c.Stream.Name, title: c.Condition.Title, what: c.Condition.What}
	var calls []Series
	var each, sleepers []Quantiles
	var within []float64
	slow, with := 0, 0.0
	for _, run := range c.Runs {
		calls = append(calls, run.Calls)
		each, sleepers = append(each, quantiles([]Series{run.Calls})), append(sleepers, quantiles(run.Sleepers))
		within = append(within, run.Calls.within(budget))
		share, n := accompanied(&run.Calls, run.Sleepers)
		slow, with = slow+n, with+share*float64(n)
		r.addRun(run, float64(len(c.Runs)))
	}
	r.Accompanied = with / float64(max(slow, 1))
	r.Quantiles, r.Sleeper, r.InBudget = medians(each), medians(sleepers), compare.Median(within)
	r.count(calls)
	if c.Condition.Restarts && !c.Stream.floor {
		r.Spell = spell(calls, func(from uint8) bool { return Sources[from] == "model" || Sources[from] == "cache" })
	}
	return r
}

// addRun adds what is a sum or a mean over the n rounds.
func (r *Row) addRun(run *Run, n float64) {
	r.Proof = Proof{r.Proof.Count + run.Proof.Count, run.Proof.What}
	r.Bridge, r.Daemon = r.Bridge.add(run.Bridge), r.Daemon.add(run.Daemon)
	r.ClientGC += run.ClientGC
	r.Reconnects += run.Reconnects
	r.Waiting.Client += run.Waiting.Client / n
	r.Waiting.Bridge += run.Waiting.Bridge / n
	r.Waiting.Daemon += run.Waiting.Daemon / n
	r.Busy += run.Busy / n
	r.Steal += run.Steal / n
	r.Pacing = max(r.Pacing, run.Pacing)
}

// count fills in who answered and why.
func (r *Row) count(calls []Series) {
	sources, reasons := make([]int, len(Sources)), make([]int, len(ipc.Reasons))
	for i := range calls {
		r.Calls += len(calls[i].Late)
		for k, from := range calls[i].From {
			sources[from]++
			reasons[calls[i].Why[k]]++
		}
	}
	r.Sources, r.Reasons = make(map[string]float64), make(map[string]float64)
	all := float64(max(r.Calls, 1))
	for i, n := range sources {
		if n > 0 {
			r.Sources[Sources[i]] = float64(n) / all
		}
	}
	for i, n := range reasons {
		if why := ipc.Reasons[i]; n > 0 && why != ipc.ReasonNone {
			r.Reasons[why.String()] = float64(n) / all
		}
	}
}

// Unproven is an error when a disturbance left no trace: its row would be a lie.
func (r *Report) Unproven() error {
	var errs []error
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Proof.What != "" && row.Proof.Count < 1 {
			errs = append(errs, fmt.Errorf("%s, %s: no %s", row.Condition, row.Stream, row.Proof.What))
		}
	}
	return errors.Join(errs...)
}

// JSON gives the file's bytes, figures with four significant digits.
func (r *Report) JSON() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		return nil, err
	}
	data, err = json.MarshalIndent(rounded(plain), "", "  ")
	return append(data, '\n'), err
}

func rounded(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = rounded(v[k])
		}
	case []any:
		for i := range v {
			v[i] = rounded(v[i])
		}
	case float64:
		if v == 0 || v == math.Trunc(v) {
			return v
		}
		scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
		return math.Round(v*scale) / scale
	}
	return v
}
