package translate

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// longest is a component's name that is as long as it may be.
var longest = strings.Repeat("c", ipc.MaxComponentBytes)

var outcomes = []struct {
	text string
	want ipc.Outcome
}{
	{
		`{"actual":{"predicted_cpu":0.0,"predicted_memory":9007199254740993,"predicted_gpu":null},"observed_ago_ns":0,"agent_id":"5","kind":"workload","prediction_id":18446744073709551615}`,
		ipc.Outcome{
			PredictionID: 1<<64 - 1, Subject: ipc.Subject{Agent: 5},
			Actual: ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{Memory: 1<<53 + 1}},
		},
	},
	{
		`{"prediction_id":6,"kind":"workload","agent_id":5,"observed_ago_ns":0,"actual":{"predicted_cpu":0.5}}`,
		ipc.Outcome{
			PredictionID: 6, Subject: ipc.Subject{Agent: 5}, Unobserved: ipc.TargetMemory,
			Actual: ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.5}},
		},
	},
	{
		`{"prediction_id":7,"kind":"workload","agent_id":5,"observed_ago_ns":0,"actual":{"predicted_memory":0,"predicted_gpu":0.0}}`,
		ipc.Outcome{
			PredictionID: 7, Subject: ipc.Subject{Agent: 5}, Unobserved: ipc.TargetCPU,
			Actual: ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{GPU: ipc.Some[float32](0)}},
		},
	},
	{
		`{"prediction_id":0,"kind":"threat","agent_id":0,"observed_ago_ns":"1000","actual":{"threat_score":1,"threat_type":5,"confidence":1,"recommended_action":4}}`,
		ipc.Outcome{
			Ago: time.Microsecond,
			Actual: ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{
				Score: 1, Type: ipc.ThreatWebShell, Confidence: 1, Action: ipc.ActionTerminate,
			}},
		},
	},
	{
		`{"prediction_id":3,"kind":"failure","component":"disk","observed_ago_ns":9223372036854775807,"actual":{"failure_probability":1,"predicted_time":0,"failure_type":2}}`,
		ipc.Outcome{
			PredictionID: 3, Subject: ipc.Subject{Component: "disk"}, Ago: 1<<63 - 1,
			Actual: ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{
				Probability: 1, PredictedTime: ipc.Some[uint64](0), Type: ipc.FailureIO,
			}},
		},
	},
	{
		`{"prediction_id":8,"kind":"threat","agent_id":5,"observed_ago_ns":0,"actual":{"threat_score":1}}`,
		ipc.Outcome{
			PredictionID: 8, Subject: ipc.Subject{Agent: 5}, Unobserved: ipc.TargetThreatType,
			Actual: ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: 1}},
		},
	},
	{
		`{"prediction_id":9,"kind":"failure","component":"disk","observed_ago_ns":0,"actual":{"predicted_time":60000000000,"failure_probability":1}}`,
		ipc.Outcome{
			PredictionID: 9, Subject: ipc.Subject{Component: "disk"}, Unobserved: ipc.TargetFailureType,
			Actual: ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 1, PredictedTime: ipc.Some[uint64](60e9)}},
		},
	},
	{
		`{"prediction_id":11,"kind":"failure","component":"` + longest + `","observed_ago_ns":9223372036854775807,"actual":{"failure_probability":1,"predicted_time":null,"failure_type":0}}`,
		ipc.Outcome{
			PredictionID: 11, Subject: ipc.Subject{Component: longest}, Ago: math.MaxInt64,
			Actual: ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 1}},
		},
	},
	{
		`{"prediction_id":10,"kind":"memory","agent_id":1,"observed_ago_ns":0,"actual":{"next_address":4096,"address_form":"u64"}}`,
		ipc.Outcome{
			PredictionID: 10, Subject: ipc.Subject{Agent: 1}, Unobserved: ipc.TargetAccessType,
			Actual: ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: 4096}},
		},
	},
	{
		`{"prediction_id":4,"kind":"memory","agent_id":1,"observed_ago_ns":1,"actual":{"next_address":0.5,"access_type":1,"address_form":"normalised32",
			"more":[{"address":1,"probability":0.25}]}}`,
		ipc.Outcome{
			PredictionID: 4, Subject: ipc.Subject{Agent: 1}, Ago: 1,
			Actual: ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{
				NextAddress: 1 << 31, Type: ipc.AccessWrite, MoreLen: 1,
				More: [ipc.MaxMore]ipc.MemoryCandidate{{Address: 1 << 32, Probability: 0.25}},
			}},
		},
	},
}

func TestDecodeOutcomes(t *testing.T) {
	var texts []string
	var want []ipc.Outcome
	for _, c := range outcomes {
		got, err := DecodeOutcomes([]byte(c.text), 256)
		if diff := cmp.Diff([]ipc.Outcome{c.want}, got); err != nil || diff != "" {
			t.Errorf("DecodeOutcomes(%s): %v (-want +got):\n%s", c.text, err, diff)
		}
		texts, want = append(texts, c.text), append(want, c.want)
	}
	got, err := DecodeOutcomes([]byte(`{"outcomes":[`+strings.Join(texts, ",")+`]}`), len(texts))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("all in one: %v (-want +got):\n%s", err, diff)
	}
}

func TestAppendOutcomeReadsBack(t *testing.T) {
	for _, c := range outcomes {
		for _, f := range []Form{{}, {U64AsString: true}, {Address: AddressNormalised32}} {
			text, err := AppendOutcome(nil, &c.want, f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeOutcomes(text, 1)
			if diff := cmp.Diff([]ipc.Outcome{c.want}, got); err != nil || diff != "" {
				t.Errorf("%+v: %s: %v (-want +got):\n%s", f, text, err, diff)
			}
		}
	}
}

// An outcome is written behind what is there, in the form that is asked for, or not at all.
func TestAppendOutcomeKeepsToTheForm(t *testing.T) {
	o := ipc.Outcome{PredictionID: 7, Actual: ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: 1 << 31}}}
	for want, f := range map[string]Form{
		`"next_address":2147483648`:   {},
		`"next_address":"2147483648"`: {U64AsString: true},
		`"next_address":0.5`:          {Address: AddressNormalised32},
	} {
		if text, err := AppendOutcome([]byte("before "), &o, f); err != nil || !strings.HasPrefix(string(text), "before {") || !strings.Contains(string(text), want) {
			t.Errorf("%+v: %s, %v; want %s", f, text, err, want)
		}
	}
	o.Actual = ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: float32(math.NaN())}}
	if text, err := AppendOutcome(nil, &o, Form{}); err == nil {
		t.Errorf("a score that is no number is written: %s", text)
	}
}

func TestDecodeOutcomesRefuses(t *testing.T) {
	const threat = `"prediction_id":1,"kind":"threat","agent_id":1,"observed_ago_ns":1`
	for _, c := range []struct{ text, want string }{
		{`[]`, "want an object, got an array"},
		{`{}`, `kind: missing, want "workload", "threat", "failure" or "memory"`},
		{`{"kind":3}`, `kind: not a string, want "workload", "threat", "failure" or "memory"`},
		{`{"kind":"weather"}`, `kind: want workload, threat, failure or memory, got "weather"`},
		{`{"outcomes":[]}`, "outcomes: empty, want 1-2 reports"},
		{`{"outcomes":[{},{},{}]}`, "outcomes[0].kind: missing"},
		{`{"outcomes":[` + outcomes[0].text + `,{"kind":"threat"}]}`, "outcomes[1].prediction_id: missing"},
		{`{` + threat + `}`, "actual: missing"},
		{`{` + threat + `,"actual":{"threat_type":1}}`, "actual.threat_score: missing"},
		{`{` + threat + `,"actual":{"threat_score":2,"threat_type":0}}`, "actual.threat_score: 2 is outside [0, 1]"},
		{`{` + threat + `,"actual":{"failure_type":0}}`, "actual.failure_type: unknown field"},
		{`{` + threat + `,"kind":"threat"}`, "kind: given twice"},
		{`{"kind":"threat","prediction_id":1,"component":"x"}`, "component: unknown field"},
		{`{"kind":"failure","prediction_id":1,"agent_id":1}`, "agent_id: unknown field"},
		{`{"kind":"failure","component":""}`, "component: 0 bytes, want 1-64"},
		{`{"kind":"failure","component":"` + longest + `c"}`, "component: 65 bytes, want 1-64"},
		{`{"kind":"threat","observed_ago_ns":9223372036854775808}`, "observed_ago_ns: 9223372036854775808 is not an integer 0-9223372036854775807"},
		{`{"kind":"threat","observed_ago_ns":-1}`, "observed_ago_ns: -1 is not an integer 0-9223372036854775807"},
		{`{"prediction_id":1,"kind":"workload","agent_id":1,"observed_ago_ns":1,"actual":{"predicted_gpu":null}}`, "actual: nothing was observed"},
		{`{"x":{`, "not JSON: want a quoted name"},
		{`{` + threat + `,"actual":{"threat_score":1,"threat_type":0}}{}`, "after the end of the document"},
	} {
		got, err := DecodeOutcomes([]byte(c.text), 2)
		if status, text := statusOf(err); status != ipc.StatusInvalidArgument || !strings.Contains(text, c.want) {
			t.Errorf("DecodeOutcomes(%s) = %v %q, want %q", c.text, status, text, c.want)
		}
		if got != nil {
			t.Errorf("DecodeOutcomes(%s) failed and still gave %v", c.text, got)
		}
	}
}
