package bridge

import (
	"math"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/mlbridge/mlbridge/ipc"
)

// Every metric there is, after calls that reach every rung, keeps to Prometheus'
// conventions for names, units and help.
func TestMetricsKeepTheConventions(t *testing.T) {
	r := newRig(t, Config{})
	registry := prometheus.NewPedanticRegistry()
	if err := r.Register(registry); err != nil {
		t.Fatal(err)
	}
	c := r.submit(workload(1, 0.5))[0]
	r.conns[0].end(model(ipc.Workload, "m@1"))
	known := &ipc.FailureRequest{Component: "io", FailureRates: []float32{1}}
	f := r.submit(known)[0]
	r.conns[2].end(model(ipc.Failure, "f@1"))
	r.submit(&ipc.MemoryRequest{AgentID: 1})
	r.conns[3].end(says(503, "", "no model for memory"))
	r.submit(workload(1, 0.5), workload(2, 0.5))
	r.settle()
	r.Round(nil)
	for _, call := range []*ipc.Call{c, f} {
		r.Observe([]ipc.Outcome{{PredictionID: call.Reply.PredictionID, Subject: call.Request.Subject(), Actual: call.Reply.Prediction}})
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	got := valuesOf(families)
	for name, want := range map[string]float64{
		"mlbridge_answers_total workload model":                          1,
		"mlbridge_answers_total workload cache":                          1,
		"mlbridge_answers_total workload rule":                           1,
		"mlbridge_answers_total memory none":                             0,
		"mlbridge_fallbacks_total daemon unavailable":                    2,
		"mlbridge_upstream_calls_total workload":                         2,
		"mlbridge_upstream_questions_total workload":                     2,
		"mlbridge_call_duration_seconds workload":                        3,
		"mlbridge_late_answers_total workload":                           0,
		"mlbridge_default_budget_seconds":                                0.001,
		"mlbridge_outcomes_total workload":                               1,
		"mlbridge_outcomes_unknown_total workload late":                  0,
		"mlbridge_outcomes_unknown_total workload unissued":              0,
		"mlbridge_outcomes_missing_total workload":                       0,
		"mlbridge_models_off":                                            0,
		"mlbridge_model_demoted workload m@1 cpu":                        0,
		"mlbridge_model_standing_changes_total workload m@1 cpu demoted": 0,
		"mlbridge_model_standing_changes_total workload m@1 cpu trusted": 0,
		"mlbridge_model_judged_total yes workload m@1 cpu":               1,
		"mlbridge_model_judged_total yes workload m@1 memory":            1,
		"mlbridge_model_demoted failure f@1 io rates":                    0,
		"mlbridge_prediction_error failure io model rates":               0,
		"mlbridge_input_drift current_cpu workload":                      0,
		"mlbridge_prediction_error workload cpu model":                   0,
		"mlbridge_prediction_error workload memory rule":                 0,
		"mlbridge_upstream_failing workload":                             0,
		"mlbridge_upstream_failing memory":                               1,
		"mlbridge_upstream_failures_total memory":                        1,
		"mlbridge_upstream_up":                                           1,
		"mlbridge_upstream_failures_total workload":                      0,
		"mlbridge_upstream_retries_total workload":                       0,
		"mlbridge_invalid_outputs_total workload":                        0,
		"mlbridge_connections":                                           0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", name, v, ok, want)
		}
	}
}

// valuesOf gives what the metrics say, by name and labels.
func valuesOf(families []*dto.MetricFamily) map[string]float64 {
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if v := l.GetValue(); v != "" { // to Prometheus an empty label is none
					name += " " + v
				}
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}

// TestMetricsOfAModel that is judged: how it does against the rule, and how sure that is.
func TestMetricsOfAModel(t *testing.T) {
	c := newCourt(t)
	recentModel, recentRule := 0.0, 0.5
	for i := range 12 * blockPairs {
		actual := []float32{0.75, 0.5, 0.75}[i%3] // the model says 0.75 and the rule 0.25
		c.ask(actual)
		recentModel += recentWeight * (0.75 - float64(actual) - recentModel)
		recentRule += recentWeight * (float64(actual) - 0.25 - recentRule)
	}
	foreign := ipc.Outcome{PredictionID: c.submit(c.question())[0].Reply.PredictionID, Subject: ipc.Subject{Agent: c.agent + 1}, Actual: usage(0.75)}
	c.Observe([]ipc.Outcome{foreign, foreign, foreign})
	c.score.of(ipc.Workload).standing.serving.targets[0].tries = 5
	registry := prometheus.NewPedanticRegistry()
	if err := c.Register(registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := valuesOf(families)
	for name, want := range map[string]float64{
		"mlbridge_outcomes_total workload":                 12 * blockPairs,
		"mlbridge_outcomes_unknown_total workload foreign": 3,
		"mlbridge_model_judged_total yes workload m@1 cpu": 12*blockPairs - 5,
		"mlbridge_model_judged_total no workload m@1 cpu":  5,
		"mlbridge_admission_limit workload":                1024,
		"mlbridge_upstream_questions_total workload":       12*blockPairs + 1,
		"mlbridge_invalid_outputs_total workload":          0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", name, v, ok, want)
		}
	}
	low, mean, high := got["mlbridge_model_advantage low workload m@1 cpu"], got["mlbridge_model_advantage mean workload m@1 cpu"], got["mlbridge_model_advantage high workload m@1 cpu"]
	if math.Abs(mean-1./3) > 0.01 || !(low > 0.2 && low < mean && high > mean && high < 0.5) {
		t.Errorf("an advantage of %v, %v to %v; want about a third, within its bounds", mean, low, high)
	}
	for name, want := range map[string]float64{"model": recentModel, "rule": recentRule} {
		if v := got["mlbridge_prediction_error workload cpu "+name]; math.Abs(v-want) > 1e-9 {
			t.Errorf("recent error of the %s %v, want %v", name, v, want)
		}
	}
	for _, s := range c.Status().Kinds[0].Score.Standings {
		if s.Target == "cpu" && (*s.Low != low || *s.High != high || *s.Advantage != mean || s.Window != 12*blockPairs) {
			t.Errorf("the status says %+v, the metrics %v, %v to %v", s, mean, low, high)
		}
	}
}

// TestMetricsOfStaleAnswers stand beside those of the model's own.
func TestMetricsOfStaleAnswers(t *testing.T) {
	w := inTwoWays()[3]
	c := hung(t, &w)
	n := w.untilTurned(t, c, false)
	w.untilTurned(t, c, true)
	registry := prometheus.NewPedanticRegistry()
	if err := c.Register(registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := valuesOf(families)
	for name, want := range map[string]float64{
		"mlbridge_model_demoted memory p@1 page":                              0,
		"mlbridge_model_demoted memory p@1 stale page":                        0,
		"mlbridge_model_judged_total yes memory p@1 page":                     0,
		"mlbridge_model_judged_total yes memory p@1 stale page":               float64(n),
		"mlbridge_model_standing_changes_total memory p@1 page demoted":       0,
		"mlbridge_model_standing_changes_total memory p@1 stale page demoted": 1,
		"mlbridge_model_standing_changes_total memory p@1 stale page trusted": 1,
		"mlbridge_model_advantage high memory p@1 stale page":                 1,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v, %v; want %v", name, v, ok, want)
		}
	}
	if _, ok := got["mlbridge_prediction_error memory page model"]; ok {
		t.Error("an error of stale answers is told as the model's")
	}
}
