package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// surely answers as a model of that confidence.
func surely(q ipc.Request, confidence float32) ipc.Reply {
	r := ipctest.ModelReply(q)
	r.Workload.Confidence, r.Threat.Confidence, r.Failure.Confidence, r.Memory.Confidence = confidence, confidence, confidence, confidence
	return r
}

// TestEverySubsystemHasItsThreshold: the model decides from it on, the rule below, and the
// report counts both, and why there was no answer.
func TestEverySubsystemHasItsThreshold(t *testing.T) {
	thresholds := map[ipc.Kind]float32{ipc.Workload: 0.3, ipc.Memory: 0.079, ipc.Failure: 0.5, ipc.Threat: 0.6}
	for _, k := range ipc.Kinds {
		if got := scenario.Thresholds()[k]; got != thresholds[k] {
			t.Errorf("the threshold of %v is %v, want %v", k, got, thresholds[k])
		}
		var n, sure, unsure, busy, gone int
		m := &advicetest.Model{Answer: func(q ipc.Request) ipc.Reply {
			switch n++; n % 7 {
			case 0, 1, 2:
				sure++
				return surely(q, thresholds[k])
			case 3, 4:
				unsure++
				return surely(q, thresholds[k]-0.001)
			case 5:
				busy++
				return ipc.Reply{Status: ipc.StatusOverloaded, Reason: ipc.ReasonOverloaded}
			}
			gone++
			return advicetest.None(q)
		}}
		_, r := observe(t, scenario.Config{Predictor: m, Origins: map[ipc.Kind][]source.Origin{k: {source.Trace}}, For: time.Hour})
		want := fmt.Sprintf("%s of %s; %s below confidence %v, %s without its answer; %s outcomes reported", report.Count(sure),
			report.Count(n), report.Count(unsure), thresholds[k], report.Count(busy+gone), report.Count(len(m.Outcome)))
		if e := r.Effects[0]; e.Name != "decided by the model" || e.Value != 100*float64(sure)/float64(n) || e.Note != want {
			t.Errorf("%+v, want %v", e, want)
		}
		why := fmt.Sprintf(": %s of %s questions had no model's answer (daemon unavailable %s, overloaded %s).",
			report.Count(busy+gone), report.Count(n), report.Count(gone), report.Count(busy))
		if len(r.Notes) != 1 || r.Notes[0] != r.Effects[0].Subsystem+why {
			t.Errorf("%q, want %q", r.Notes, why)
		}
		for _, o := range m.Outcome {
			if o.Actual.Kind != k {
				t.Fatalf("an outcome of %v where %v was asked", o.Actual.Kind, k)
			}
		}
	}
}

// TestADecisionsBudget goes with every question, and who had none in time is counted.
func TestADecisionsBudget(t *testing.T) {
	for budget, share := range map[time.Duration]float64{time.Hour: 1, time.Nanosecond: 0} {
		m := &advicetest.Model{Answer: ipctest.ModelReply}
		o, r := observe(t, scenario.Config{
			Predictor: m, Origins: map[ipc.Kind][]source.Origin{ipc.Workload: {source.Trace}}, For: time.Hour, Budget: budget,
		})
		for _, b := range m.Budgets {
			if b != budget || !m.Required {
				t.Fatalf("%v for a question that insists on the model: %v, want %v", b, m.Required, budget)
			}
		}
		st := o.Status()
		if len(m.Budgets) == 0 || st.Share != share || st.Predictions[0].Share != share {
			t.Errorf("within %v: %v of all, %v of the scheduler's, want %v", budget, st.Share, st.Predictions[0].Share, share)
		}
		// The view does without the interval that the report takes its time for.
		if v := st.Comparisons; len(v) != 1 || v[0].Metric != "mean |cpu error|" || v[0].Difference != nil || r.Comparisons[0].Difference == nil {
			t.Errorf("the view compares %+v, the report %+v", v, r.Comparisons[0])
		}
	}
}

// TestSubsystemsAreInTheOrderOfTheDocuments, in the view and in the report.
func TestSubsystemsAreInTheOrderOfTheDocuments(t *testing.T) {
	recorded := []source.Origin{source.Trace}
	o, r := observe(t, scenario.Config{For: time.Hour, Origins: map[ipc.Kind][]source.Origin{
		ipc.Workload: recorded, ipc.Memory: recorded, ipc.Failure: recorded, ipc.Threat: recorded,
	}})
	for i, want := range []string{"scheduler (trace)", "memory (trace)", "healing (trace)", "security (trace)"} {
		if got := o.Status().Predictions[i].Name; got != want || !strings.HasPrefix(r.Notes[i], want+": no model answered") {
			t.Errorf("%s stands where %s should, with the note %q", got, want, r.Notes[i])
		}
	}
}

// TestUnsureIsAnAnswer: a model that is never sure enough is compared all the same.
func TestUnsureIsAnAnswer(t *testing.T) {
	m := &advicetest.Model{Answer: func(q ipc.Request) ipc.Reply { return surely(q, 0) }}
	_, r := observe(t, scenario.Config{Predictor: m, Origins: map[ipc.Kind][]source.Origin{ipc.Workload: {source.Trace}}, For: time.Hour})
	if len(r.Notes) != 0 || r.Comparisons[0].ML == nil || r.Effects[0].Value != 0 {
		t.Errorf("notes %q, %+v", r.Notes, r.Comparisons[0])
	}
}
