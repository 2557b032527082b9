package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestAnswerRoundTrip is TestCallRoundTrip for the way back.
func TestAnswerRoundTrip(t *testing.T) {
	for _, f := range formats {
		for _, k := range ipc.Kinds {
			for _, batch := range []bool{false, true} {
				var got Answer
				for _, u := range extremes {
					want := Answer{Model: "m\"@1", Latency: 1_234_567, Slots: []Slot{{Prediction: fullPrediction(k, u, min(u, ipc.MaxMillis))}}}
					if batch {
						want.Slots = append(want.Slots, Slot{Prediction: barePrediction(k)},
							Slot{Status: ipc.StatusOverloaded, Error: "too\nmuch"})
					}
					body := f.AppendAnswer(nil, &want, batch)
					if err := f.ParseAnswer(body, k, batch, len(want.Slots), &got); err != nil {
						t.Fatalf("%v %v ParseAnswer(%s) = %v", f, k, body, err)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%v %v batch=%v u=%d (-want +got):\n%s", f, k, batch, u, diff)
					}
				}
			}
		}
	}
}

// TestAnswerOfOthers reads answers of daemons that are not this one.
func TestAnswerOfOthers(t *testing.T) {
	for _, c := range []struct {
		name string
		kind ipc.Kind
		body string
		want Answer
	}{
		{
			"the origin has no model and computes in floating point", ipc.Workload,
			`{"success":true,"prediction":{"predictedCpu":0.25,"predictedMemory":1073741824.75,"confidence":0.5},"latency_ms":2.5}`,
			Answer{Latency: 2_500_000, Slots: []Slot{{Prediction: ipc.Prediction{
				Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.25, Memory: 1073741824, Confidence: 0.5},
			}}}},
		},
		{
			"times are in ms, fractions of them are dropped", ipc.Failure,
			`{"prediction":{"failureProbability":1,"predictedTime":60000.9,"confidence":1,"failureType":2,"extra":[]},"success":true}`,
			Answer{Slots: []Slot{{Prediction: ipc.Prediction{
				Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 1, PredictedTime: ipc.Some(uint64(60000e6)), Confidence: 1, Type: 2},
			}}}},
		},
		{
			"-1 is none", ipc.Failure,
			`{"prediction":{"failureProbability":1,"predictedTime":-1,"confidence":1,"failureType":2},"success":true}`,
			Answer{Slots: []Slot{{Prediction: ipc.Prediction{
				Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 1, Confidence: 1, Type: 2},
			}}}},
		},
		{
			"a prediction out of range fails its slot", ipc.Threat,
			`{"prediction":{"threatScore":1.5,"threatType":0,"confidence":1,"recommendedAction":0},"success":true}`,
			Answer{Slots: []Slot{{Status: ipc.StatusInternal, Error: "prediction: threatScore: 1.5 is outside [0, 1]"}}},
		},
		{
			"so does a missing field", ipc.Threat,
			`{"prediction":{"threatScore":1,"threatType":0,"confidence":null,"recommendedAction":0},"success":true}`,
			Answer{Slots: []Slot{{Status: ipc.StatusInternal, Error: "prediction: confidence: missing"}}},
		},
		{
			"so does a type that there is not", ipc.Threat,
			`{"prediction":{"threatScore":1,"threatType":6,"confidence":0,"recommendedAction":0},"success":true}`,
			Answer{Slots: []Slot{{Status: ipc.StatusInternal, Error: "prediction: threatType: 6 is outside 0-5"}}},
		},
		{
			"so does a time beyond nanoseconds", ipc.Failure,
			`{"prediction":{"failureProbability":1,"predictedTime":18446744073710,"confidence":1,"failureType":2},"success":true}`,
			Answer{Slots: []Slot{{Status: ipc.StatusInternal, Error: "prediction: predictedTime: 18446744073710 ms does not fit in 64 bits of nanoseconds, at most 18446744073709 ms"}}},
		},
		{
			"so does another negative time", ipc.Failure,
			`{"prediction":{"failureProbability":1,"predictedTime":-2,"confidence":1,"failureType":2},"success":true}`,
			Answer{Slots: []Slot{{Status: ipc.StatusInternal, Error: "prediction: predictedTime: outside 0-18446744073709551615"}}},
		},
		{
			"so does an address in a form that names no page", ipc.Memory,
			`{"prediction":{"nextAddress":0.25,"accessProbability":1,"accessType":0,"confidence":1},"success":true}`,
			Answer{Slots: []Slot{{Status: ipc.StatusInternal, Error: `prediction: nextAddress: 0.25 is not an integer in 0-18446744073709551615: no fraction, no exponent`}}},
		},
		{
			"an error in a slot without a status", ipc.Memory,
			`{"prediction":{"error":"no"},"success":true}`,
			Answer{Slots: []Slot{{Status: ipc.StatusInternal, Error: "no"}}},
		},
	} {
		var got Answer
		if err := JSON.ParseAnswer([]byte(c.body), c.kind, false, 1, &got); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestAnswerRefused lists answers that fail as a whole.
func TestAnswerRefused(t *testing.T) {
	slot := `{"threatScore":1,"threatType":0,"confidence":0,"recommendedAction":0}`
	packed := string(Msgpack.AppendAnswer(nil, &Answer{Slots: []Slot{{Prediction: barePrediction(ipc.Threat)}}}, true))
	for _, c := range []struct {
		format Format
		batch  bool
		n      int
		body   string
	}{
		{JSON, false, 1, ``},
		{JSON, false, 1, `null`},
		{JSON, false, 1, `{"success":true}`},
		{JSON, false, 1, `{"prediction":` + slot + `}`},
		{JSON, false, 1, `{"success":false,"error":"x"}`},
		{JSON, false, 1, `{"success":true,"predictions":[` + slot + `]}`},
		{JSON, true, 1, `{"success":true,"prediction":` + slot + `}`},
		{JSON, true, 2, `{"success":true,"predictions":[` + slot + `]}`},
		{JSON, true, 1, `{"success":true,"predictions":[` + slot + `,` + slot + `]}`},
		{JSON, false, 1, `{"success":true,"model":7,"prediction":` + slot + `}`},
		{Msgpack, true, 2, packed},
		{Msgpack, false, 1, "\x92\xa0\x00"},
		{Msgpack, false, 1, "\x93\x00\x00\x92\x01\xa0"},
		{Msgpack, false, 1, "\x93\xa0\xa0\x92\x01\xa0"},
		{Msgpack, false, 1, "\x93\xa0\x00\x91\x01"},
		{Msgpack, false, 1, "\x93\xa0\x00\x92\x01\x00"},
		{Msgpack, false, 1, "\x93\xd9\x41" + string(make([]byte, 65)) + "\x00\x92\x01\xa0"},
		{Msgpack, true, 1, "\x93\xa0\x00\xdd\xff\xff\xff\xff"},
		{0, true, 1, packed},
		{JSON, true, MaxBatch + 1, ``},
	} {
		got := Answer{Slots: make([]Slot, 3)}
		if err := c.format.ParseAnswer([]byte(c.body), ipc.Threat, c.batch, c.n, &got); err == nil || len(got.Slots) != 0 {
			t.Errorf("%v ParseAnswer(%q) = %v with %d slots", c.format, c.body, err, len(got.Slots))
		}
	}
}

// TestAnswerGrows: elements that a later version adds are passed over.
func TestAnswerGrows(t *testing.T) {
	slot := "\x94\x00" + string(ipc.AppendPrediction(nil, &ipc.Prediction{Kind: ipc.Threat})) + "\xa0\x81\xa1x\x91\xc0"
	var a Answer
	if err := Msgpack.ParseAnswer([]byte("\x97\xa3m@1\x07"+slot+"\xa0\x91\xc0\xc3\xcb\x00\x00\x00\x00\x00\x00\x00\x00"), ipc.Threat, false, 1, &a); err != nil {
		t.Fatal(err)
	}
	want := Answer{Model: "m@1", Latency: 7, Slots: []Slot{{Prediction: barePrediction(ipc.Threat)}}}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
	if err := Msgpack.ParseAnswer([]byte("\x93\xa0\x00\x92\x63\xa1x"), ipc.Threat, false, 1, &a); err != nil || a.Slots[0].Status != ipc.StatusInternal {
		t.Errorf("a status of a later version: %v, %+v", err, a.Slots)
	}
}

// TestBesidesSurviveTheTrip: what another model said besides, in slots that have it, and
// the model of a slot; every prefix of it is an error and no panic.
func TestBesidesSurviveTheTrip(t *testing.T) {
	for _, k := range ipc.Kinds {
		p, q := fullPrediction(k, 1<<53+1, 60_000), barePrediction(k)
		a := Answer{Model: "m@1", Beside: "c@2", Slots: []Slot{
			{Prediction: p, Beside: q, HasBeside: true},
			{Status: ipc.StatusInternal, Error: "broken"},
			{Prediction: q, Model: "c@2", Beside: p, HasBeside: true},
			{Prediction: q},
		}}
		wire := Msgpack.AppendAnswer(nil, &a, true)
		var got Answer
		if err := Msgpack.ParseAnswer(wire, k, true, len(a.Slots), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, got); diff != "" {
			t.Errorf("%v:\n%s", k, diff)
		}
		for n := range wire {
			if err := Msgpack.ParseAnswer(wire[:n], k, true, len(a.Slots), &got); err == nil {
				t.Errorf("%v: %d of %d bytes passed", k, n, len(wire))
			}
		}
		one := Answer{Model: "m@1", Beside: "c@2", Slots: a.Slots[2:3]}
		if err := Msgpack.ParseAnswer(Msgpack.AppendAnswer(nil, &one, false), k, false, 1, &got); err != nil || !got.Slots[0].HasBeside || got.Slots[0].Model != "c@2" {
			t.Errorf("%v alone: %+v, %v", k, got, err)
		}
		if text := string(JSON.AppendAnswer(nil, &a, true)); strings.Count(text, `"model":"c@2"`) != 1 || strings.Count(text, `"model":"m@1"`) != 1 {
			t.Errorf("%v in JSON: %s", k, text)
		}
		plain := Answer{Model: "m@1", Slots: []Slot{{Prediction: p}}}
		if err := Msgpack.ParseAnswer(Msgpack.AppendAnswer(nil, &plain, true), k, true, 1, &got); err != nil || got.Beside != "" || got.Slots[0].HasBeside {
			t.Errorf("%v: an answer without besides after one with: %+v, %v", k, got, err)
		}
	}
}
