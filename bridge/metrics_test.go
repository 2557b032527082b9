package bridge

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

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
