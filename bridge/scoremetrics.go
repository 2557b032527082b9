package bridge

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/ipc"
)

// scoreMetrics are the outcomes and where the models stand.
type scoreMetrics struct{ b *Bridge }

var (
	modelLabels = []string{"kind", "target", "with", "source", "model"} // source: "stale" of what was said earlier, else empty

	descOutcomes = prometheus.NewDesc("mlbridge_outcomes_total", "Outcomes that found their prediction.", kindLabel, nil)
	descUnknown  = prometheus.NewDesc("mlbridge_outcomes_unknown_total", "Outcomes that found none: duplicate, late, foreign (of a client's own answer, of another subject), or unissued (an id that this bridge gave to none of the kind since it started).", []string{"kind", "why"}, nil)
	descMissing  = prometheus.NewDesc("mlbridge_outcomes_missing_total", "Predictions that were forgotten before an outcome came.", kindLabel, nil)
	descError    = prometheus.NewDesc("mlbridge_prediction_error", "Mean error of about the last 1,000 judged predictions, of the model that serves and of the rule on the same cases.", []string{"kind", "target", "with", "who"}, nil)
	descOff      = prometheus.NewDesc("mlbridge_models_off", "1 while the operator has the rules answer everything.", nil, nil)
	descDemoted  = prometheus.NewDesc("mlbridge_model_demoted", "1 for a model that the rule stands in for, 0 for one that is trusted.", modelLabels, nil)
	descJudged   = prometheus.NewDesc("mlbridge_model_judged_total", "Cases that the model and the rule were both judged on; delivered says whether anybody got the model's answer.", append(modelLabels[:5:5], "delivered"), nil)
	descTurns    = prometheus.NewDesc("mlbridge_model_standing_changes_total", "Demotions and recoveries, by what the model became.", append(modelLabels[:5:5], "to"), nil)
	descEdge     = prometheus.NewDesc("mlbridge_model_advantage", "Error of the rule less that of the model over the window that decides: its mean and one-sided 99 % bounds.", append(modelLabels[:5:5], "bound"), nil)
	descDrift    = prometheus.NewDesc("mlbridge_input_drift", "Population stability index of an input, recent questions against the first; above 0.25 is a drift.", []string{"kind", "input"}, nil)
)

// Describe implements prometheus.Collector.
func (s scoreMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descOutcomes, descUnknown, descMissing, descError, descOff, descDemoted, descJudged, descTurns, descEdge, descDrift,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s scoreMetrics) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		send(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { send(d, prometheus.GaugeValue, v, labels...) }
	gauge(descOff, oneIf(s.b.ModelsOff()))
	for _, sc := range s.b.Scores() {
		kind := sc.Kind.String()
		count(descOutcomes, sc.Joined, kind)
		count(descUnknown, sc.Duplicate, kind, "duplicate")
		count(descUnknown, sc.Late, kind, "late")
		count(descUnknown, sc.Foreign, kind, "foreign")
		count(descUnknown, sc.Unissued, kind, "unissued")
		count(descMissing, sc.Missing, kind)
		for i := range sc.Standings {
			st := &sc.Standings[i]
			source := ""
			if st.Stale {
				source = ipc.SourceStale.String()
			}
			gauge(descDemoted, oneIf(st.Demoted), kind, st.Target, st.With, source, st.Model)
			count(descJudged, st.Judged-st.Tries, kind, st.Target, st.With, source, st.Model, "yes")
			count(descJudged, st.Tries, kind, st.Target, st.With, source, st.Model, "no")
			count(descTurns, st.Demotions, kind, st.Target, st.With, source, st.Model, "demoted")
			count(descTurns, st.Recoveries, kind, st.Target, st.With, source, st.Model, "trusted")
			if st.Window >= fewBlocks*blockPairs {
				gauge(descEdge, st.Advantage, kind, st.Target, st.With, source, st.Model, "mean")
				gauge(descEdge, st.Low, kind, st.Target, st.With, source, st.Model, "low")
				gauge(descEdge, st.High, kind, st.Target, st.With, source, st.Model, "high")
			}
			if st.Serving && !st.Stale && st.Judged > 0 {
				gauge(descError, st.RecentModel, kind, st.Target, st.With, "model")
				gauge(descError, st.RecentRule, kind, st.Target, st.With, "rule")
			}
		}
		for _, d := range sc.Drifts {
			gauge(descDrift, d.Index, kind, d.Input)
		}
	}
}
