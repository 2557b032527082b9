package translate

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestAppendReply(t *testing.T) {
	for _, c := range []struct {
		reply ipc.Reply
		form  Form
		want  string
	}{
		{
			ipc.Reply{
				PredictionID: 1 << 60, Source: ipc.SourceModel, Model: "workload@1", Age: 1500 * time.Nanosecond,
				Prediction: ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.1, Memory: 4096, GPU: ipc.Some[float32](0)}},
			},
			Form{},
			`{"kind":"workload","predicted_cpu":0.1,"predicted_memory":4096,"predicted_gpu":0,"confidence":0,` +
				`"prediction_id":1152921504606846976,"source":"model","age_ns":1500,"model":"workload@1","reason":null,"ruled":[]}`,
		},
		{
			ipc.Reply{
				Source: ipc.SourceModel, Reason: ipc.ReasonDemoted, Ruled: ipc.TargetMemory | ipc.TargetGPU, Model: "w@1",
				Prediction: ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{Memory: 1}},
			},
			Form{},
			`{"kind":"workload","predicted_cpu":0,"predicted_memory":1,"predicted_gpu":null,"confidence":0,` +
				`"prediction_id":0,"source":"model","age_ns":0,"model":"w@1","reason":"demoted","ruled":["memory","gpu"]}`,
		},
		{
			ipc.Reply{
				Source: ipc.SourceRule, Reason: ipc.ReasonDaemonUnavailable,
				Prediction: ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: 1, Type: 5, Confidence: 0.5, Action: 4}},
			},
			Form{U64AsString: true},
			`{"kind":"threat","threat_score":1,"threat_type":5,"confidence":0.5,"recommended_action":4,` +
				`"prediction_id":"0","source":"rule","age_ns":"0","model":null,"reason":"daemon unavailable","ruled":[]}`,
		},
		{
			ipc.Reply{Source: ipc.SourceCache, Prediction: ipc.Prediction{Kind: ipc.Failure}, Age: -1},
			Form{},
			`{"kind":"failure","failure_probability":0,"predicted_time":null,"confidence":0,"failure_type":0,` +
				`"prediction_id":0,"source":"cache","age_ns":0,"model":null,"reason":null,"ruled":[]}`,
		},
		{
			ipc.Reply{Source: ipc.SourceModel, Ruled: ipc.TargetFailureTime | ipc.TargetFailureType, Prediction: ipc.Prediction{Kind: ipc.Failure}},
			Form{},
			`{"kind":"failure","failure_probability":0,"predicted_time":null,"confidence":0,"failure_type":0,` +
				`"prediction_id":0,"source":"model","age_ns":0,"model":null,"reason":null,"ruled":["time","type"]}`,
		},
		{
			ipc.Reply{Source: ipc.SourceStale, Ruled: ipc.TargetAccessType, Model: "a\"\\\n\xff", Prediction: ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{
				NextAddress: 1 << 31, MoreLen: 2, More: [ipc.MaxMore]ipc.MemoryCandidate{{Address: 1 << 33, Probability: 0.25}, {Address: 4096}},
			}}},
			Form{Address: AddressNormalised32},
			`{"kind":"memory","address_form":"normalised32","next_address":0.5,"access_probability":0,"access_type":0,"confidence":0,` +
				`"more":[{"address":2,"probability":0.25},{"address":9.5367431640625e-07,"probability":0}],` +
				`"prediction_id":0,"source":"stale","age_ns":0,"model":"a\"\\\u000a` + "\ufffd" + `","reason":null,"ruled":["type"]}`,
		},
	} {
		got, err := AppendReply(nil, &c.reply, c.form)
		if err != nil || string(got) != c.want {
			t.Errorf("AppendReply(%+v)\n got %s, %v\nwant %s", c.reply, got, err, c.want)
		}
	}
}

func TestAppendReplyWithoutKind(t *testing.T) {
	if got, err := AppendReply(nil, &ipc.Reply{}, Form{}); err == nil || len(got) != 0 {
		t.Errorf("AppendReply of no prediction = %s, %v, want an error", got, err)
	}
}
