package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// row is one line of the table, and one element of eval.json.
type row struct {
	Predictor      string `json:"predictor"`
	Set            string `json:"set"`
	Part           string `json:"part"`
	Metric         string `json:"metric"`
	Model          number `json:"model"`
	Rule           number `json:"rule"`
	LastValue      number `json:"last_value"`
	BestSimple     number `json:"best_simple"`
	BestSimpleName string `json:"best_simple_name,omitempty"`
	CILow          number `json:"ci_low"`
	CIHigh         number `json:"ci_high"`
	GainLow        number `json:"gain_low"`
	GainHigh       number `json:"gain_high"`
	By             string `json:"by,omitempty"`
	Groups         int    `json:"groups,omitempty"`
	N              int    `json:"n"`
	Target         number `json:"target"`
	Met            *bool  `json:"met"`
	lowIsGood      bool
}

// number is a value that may be missing: NaN, null in JSON.
type number float64

var missing = number(math.NaN())

// digits are those that eval.json keeps of a number.
const digits = 6

func (v number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(v), 'g', digits, 64), nil
}

func (v *number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*v = missing
		return nil
	}
	return json.Unmarshal(text, (*float64)(v))
}

// String writes the number as eval.json has it, cut to four digits: a row that was kept
// looks like one that was just measured.
func (v number) String() string {
	if math.IsNaN(float64(v)) {
		return ""
	}
	v = v.rounded()
	switch a := math.Abs(float64(v)); {
	case a >= 100:
		return fmt.Sprintf("%.0f", float64(v))
	case a >= 1:
		return fmt.Sprintf("%.3f", float64(v))
	}
	return fmt.Sprintf("%.4f", float64(v))
}

// rounded is the number as eval.json has it.
func (v number) rounded() number {
	r, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', digits, 64), 64)
	if err != nil {
		return v // too large to be written
	}
	return number(r)
}

func (v number) known() bool { return !math.IsNaN(float64(v)) }

// plain is a row of a single number.
func plain(predictor, set, part, metric string, model float64, n int) row {
	return row{
		Predictor: predictor, Set: set, Part: part, Metric: metric, N: n, Model: number(model), Rule: missing,
		LastValue: missing, BestSimple: missing, CILow: missing, CIHigh: missing, GainLow: missing, GainHigh: missing, Target: missing,
	}
}

// aim compares the row with the project's target, if it has one. What the questions cannot
// tell, an order of attacks where there is none for instance, neither meets nor misses it.
func (r row) aim() row {
	t, ok := targets[strings.Join([]string{r.Predictor, r.Set, r.Metric}, "/")]
	if !ok || r.Part != "test" || !r.Model.known() {
		return r
	}
	met := float64(r.Model) >= t
	if r.lowIsGood {
		met = float64(r.Model) <= t
	}
	r.Target, r.Met = number(t), &met
	return r
}

// targets of the part test; the README of the data says where they come from.
var targets = map[string]float64{
	"workload/bitbrains_cpu/mae": 0.64, "workload/bitbrains_mem/mae": 1.45, "workload/gentd26_gpu/mae": 4.6,
	"workload/smd_cpu/mae": 0.84, "workload/procs_cpu/mae": 2.30,
	"workload/smd_cpu/ece": 0.05, "workload/procs_cpu/ece": 0.05, "workload/bitbrains_cpu/ece": 0.05,
	"memory/alone/top1": 0.45, "memory/tables/top1": 0.48, "memory/alone/ece": 0.05, "memory/tables/ece": 0.05,
	"memory/tables/prefetch_coverage": 0.58, "memory/tables/prefetch_accuracy": 0.70,
	"memory/tables/prefetch_coverage_opening": 0.58, "memory/tables/prefetch_accuracy_opening": 0.70,
	"failure/lanl/pr_auc": 0.090, "failure/lanl/roc_auc": 0.67, "failure/lanl_numbers/pr_auc": 0.090, "failure/lanl_numbers/roc_auc": 0.67, "failure/lanl/ece": 0.05, "failure/smd/ece": 0.05,
	"failure/oom/brier": 0.066, "failure/oom/roc_auc": 0.81, "failure/oom/kills_warned": 1, "failure/oom/median_lead_s": 0.7,
	"failure/oom/ece":     0.05,
	"threat/adfa/roc_auc": 0.99, "threat/adfa/fpr95": 0.03, "threat/adfa/flagged_at_vals_bound": 0.03, "threat/benign/flagged": 0.03, "threat/adfa/type_macro_f1": 0.60,
	"threat/adfa/ece": 0.05, "threat/benign/ece": 0.05,
	"threat/adfa/left_out_kind_roc_auc": 0.95,
}

const (
	// leftOutRatio is the error over the rule's of trees that never saw the set's origin.
	leftOutRatio = "left_out_ratio_to_rule"
	// aloneAfter ends the names of workload sets that are asked without what a client
	// remembers of an agent's past.
	aloneAfter = "_alone"
	// inShares ends the names of memory sets whose rule is applied to shares.
	inShares = "_shares"
)

func init() {
	for _, origin := range []string{"bitbrains_cpu", "bitbrains_mem", "gentd26_gpu", "gentd26_mem", "smd_cpu", "smd_mem", "procs_cpu", "procs_mem", "all"} {
		for _, set := range []string{origin, origin + aloneAfter} {
			aim := func(metric string, v float64) { targets["workload/"+set+"/"+metric] = v }
			for _, metric := range []string{"mae", "ece"} {
				if v, ok := targets["workload/"+origin+"/"+metric]; ok {
					aim(metric, v)
				}
			}
			aim("ratio_to_persistence", 1.02)
			aim("entities_better_than_persistence", 0.85)
			aim(leftOutRatio, 1)
			if strings.HasSuffix(origin, "_mem") {
				targets["workload/"+set+inShares+"/"+leftOutRatio] = 1
			}
		}
	}
}

// UnmarshalJSON reads a row; numbers that are not there, as in what training measured, are missing.
func (r *row) UnmarshalJSON(text []byte) error {
	type fields row
	f := fields(plain("", "", "", "", math.NaN(), 0))
	err := json.Unmarshal(text, &f)
	*r = row(f)
	return err
}

func writeJSON(w io.Writer, rows []row) error {
	if _, err := io.WriteString(w, "["); err != nil {
		return err
	}
	for i, r := range rows {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		sep := ",\n "
		if i == 0 {
			sep = "\n "
		}
		if _, err := fmt.Fprintf(w, "%s%s", sep, b); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n]\n")
	return err
}

var heads = []string{"set", "part", "metric", "model", "95 %", "rule", "last value", "best simple", "gain", "target", "met"}

// cells are the row's columns for people.
func (r row) cells() []string {
	between := func(low, high number, sign string) string {
		if !low.known() {
			return ""
		}
		if sign == "" {
			return low.String() + " … " + high.String()
		}
		return fmt.Sprintf("%+.3g … %+.3g", float64(low.rounded()), float64(high.rounded()))
	}
	simple := r.BestSimple.String()
	if simple != "" {
		simple += " " + r.BestSimpleName
	}
	target, met := r.Target.String(), ""
	if r.Met != nil {
		met = map[bool]string{true: "yes", false: "no"}[*r.Met]
	}
	return []string{
		r.Set, r.Part, r.Metric, r.Model.String(), between(r.CILow, r.CIHigh, ""), r.Rule.String(), r.LastValue.String(), simple,
		between(r.GainLow, r.GainHigh, "+"), target, met,
	}
}

// legend is what a reader of the printed table has to know.
const legend = `mae is in points of 1/100. Of mae, ratio, brier, ece, fpr95, flagged and time error less is better,
of the others (but base_rate) more. 95 %: interval of the model's value; gain: that of its advantage
over the better of rule and best simple guess, above 0 where the model is better; target: the
project's, on test. docs/judging.md says more.

`

func writeText(w io.Writer, rows []row) error {
	fmt.Fprint(w, legend)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	last := ""
	for _, r := range rows {
		if r.Predictor != last {
			if last != "" {
				fmt.Fprintln(t)
			}
			last = r.Predictor
			fmt.Fprintln(t, last+"\t"+strings.Join(heads[1:], "\t"))
		}
		fmt.Fprintln(t, strings.Join(r.cells(), "\t"))
	}
	return t.Flush()
}
