package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

const (
	workloadQ = `{"agent_id":7,"time_of_day":0,"day_of_week":0,"current_cpu":0.0,"current_memory":18446744073709551615}`
	threatQ   = `{"agent_id":7,"metrics":{"operation_count":1,"syscall_count":2,"memory_usage":3,"network_activity":4}}`
	failureQ  = `{"component":"disk","health_score":0,"current_value":0.0,"baseline":0,"trend":-2,"time_since_last_failure":9007199254740993}`
	memoryQ   = `{"agent_id":7,"current_address":9007199254740993,"locality_score":0}`
)

var questions = map[ipc.Kind]string{
	ipc.Workload: workloadQ, ipc.Threat: threatQ, ipc.Failure: failureQ, ipc.Memory: memoryQ,
}

const provenance = `"prediction_id":9007199254740993,"source":"model","age_ns":1500,"model":"%s@1","reason":null`

var predictions = map[ipc.Kind]string{
	ipc.Workload: `{"kind":"workload","predicted_cpu":0,"predicted_memory":18446744073709551615,"predicted_gpu":null,"confidence":0.75,`,
	ipc.Threat:   `{"kind":"threat","threat_score":0.25,"threat_type":5,"confidence":0.5,"recommended_action":1,`,
	ipc.Failure:  `{"kind":"failure","failure_probability":0.5,"predicted_time":9007199254740993,"confidence":0.5,"failure_type":2,`,
	ipc.Memory: `{"kind":"memory","next_address":9007199254740993,"access_probability":0.5,"access_type":1,"confidence":0.5,` +
		`"more":[{"address":9007199254740993,"probability":0.25}],`,
}

func prediction(k ipc.Kind) string {
	return predictions[k] + fmt.Sprintf(provenance, k) + `,"ruled":[]}`
}

func path(k ipc.Kind) string { return "/api/ml/predict/" + k.String() }

func TestSingle(t *testing.T) {
	s := newSite(t, nil)
	for _, k := range ipc.Kinds {
		got := s.post(t, path(k), questions[k])
		want := `{"success":true,"prediction":` + prediction(k) + `}`
		if got.code != 200 || got.body != want {
			t.Errorf("POST %s\n got %d %s\nwant 200 %s", path(k), got.code, got.body, want)
		}
		if ct := got.header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("POST %s: content type %q", path(k), ct)
		}
	}
}

// Hour 0, a reading of 0.0, no GPU and no history arrive as they are.
func TestZeroesArrive(t *testing.T) {
	s := newSite(t, nil)
	s.post(t, path(ipc.Workload), workloadQ)
	q := s.fake.asked[0].(*ipc.WorkloadRequest)
	if q.TimeOfDay != 0 || q.DayOfWeek != 0 || q.CurrentCPU != 0 || q.CurrentGPU.Valid || q.HistoricalCPU != nil {
		t.Errorf("midnight on Sunday, idle, without history or GPU arrived as %+v", q)
	}
	s.post(t, path(ipc.Threat), threatQ)
	if q := s.fake.asked[0].(*ipc.ThreatRequest); q.TimeSinceLastThreat != ipc.Never {
		t.Errorf("never arrived as %d", q.TimeSinceLastThreat)
	}
}

func TestU64AsString(t *testing.T) {
	s := newSite(t, nil)
	got := s.post(t, path(ipc.Memory)+"?u64=string", memoryQ)
	for _, want := range []string{`"next_address":"9007199254740993"`, `"prediction_id":"9007199254740993"`, `"age_ns":"1500"`, `"address":"9007199254740993"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("?u64=string: %s, want %s in it", got.body, want)
		}
	}
	got = s.post(t, path(ipc.Memory)+"/batch?u64=string", `{"requests":[`+memoryQ+`]}`)
	if want := `"next_address":"9007199254740993"`; !strings.Contains(got.body, want) {
		t.Errorf("a batch with ?u64=string: %s, want %s in it", got.body, want)
	}
	if got := s.post(t, path(ipc.Memory)+"?u64=integer", memoryQ); !strings.Contains(got.body, `"next_address":9007199254740993,`) {
		t.Errorf("?u64=integer: %s", got.body)
	}
}

func TestAddressFormIsEchoed(t *testing.T) {
	s := newSite(t, nil)
	const q = `{"agent_id":7,"current_address":0.5,"locality_score":0,"address_form":"normalised32"}`
	got := s.post(t, path(ipc.Memory), q)
	if want := `"kind":"memory","address_form":"normalised32","next_address":0.5,`; !strings.Contains(got.body, want) {
		t.Errorf("single: %s, want %s in it", got.body, want)
	}
	// In a batch every slot has a form of its own.
	got = s.post(t, path(ipc.Memory)+"/batch", `{"requests":[`+memoryQ+`,`+q+`]}`)
	if !strings.Contains(got.body, `"next_address":9007199254740993,`) || !strings.Contains(got.body, `"next_address":0.5,`) {
		t.Errorf("batch: %s", got.body)
	}
	if a := s.fake.asked[1].(*ipc.MemoryRequest).CurrentAddress; a != 1<<31 {
		t.Errorf("0.5 arrived as %#x", a)
	}
}

func TestBatchOfOneKind(t *testing.T) {
	s := newSite(t, nil)
	for _, k := range ipc.Kinds {
		got := s.post(t, path(k)+"/batch", `{"requests":[`+questions[k]+`,{"weather":1},`+questions[k]+`]}`)
		ok := `{"status":"ok","prediction":` + prediction(k) + `}`
		want := `{"success":true,"results":[` + ok + `,{"status":"invalid argument","error":"weather: unknown field"},` + ok + `]}`
		if got.code != 200 || got.body != want {
			t.Errorf("POST %s/batch\n got %d %s\nwant 200 %s", path(k), got.code, got.body, want)
		}
		if len(s.fake.asked) != 2 {
			t.Errorf("%v: %d questions were asked, want the 2 legal ones", k, len(s.fake.asked))
		}
	}
}

func TestMixedBatchIsOneCall(t *testing.T) {
	s := newSite(t, nil)
	var body, want []string
	for _, k := range ipc.Kinds {
		body = append(body, strings.Replace(questions[k], "{", fmt.Sprintf(`{"kind":%q,`, k), 1))
		want = append(want, `{"status":"ok","prediction":`+prediction(k)+`}`)
	}
	body = append(body, `{"kind":"weather"}`)
	want = append(want, `{"status":"unimplemented","error":"kind: \"weather\" is not workload, threat, failure or memory"}`)
	got := s.post(t, "/api/ml/predict/batch", `{"requests":[`+strings.Join(body, ",")+`]}`)
	if w := `{"success":true,"results":[` + strings.Join(want, ",") + `]}`; got.code != 200 || got.body != w {
		t.Errorf("mixed batch\n got %d %s\nwant 200 %s", got.code, got.body, w)
	}
	if s.fake.calls != 1 {
		t.Errorf("%d calls of the predictor, want 1", s.fake.calls)
	}
}

// A batch without a single legal question asks nobody.
func TestBatchOfBadSlots(t *testing.T) {
	s := newSite(t, nil)
	got := s.post(t, "/api/ml/predict/batch", `{"requests":[{},1]}`)
	if got.code != 200 || s.fake.calls != 0 || strings.Count(got.body, "invalid argument") != 2 {
		t.Errorf("got %d %s after %d calls", got.code, got.body, s.fake.calls)
	}
}

// Every status travels to its HTTP status, alone and in a slot.
func TestStatuses(t *testing.T) {
	s := newSite(t, nil)
	for _, status := range ipc.Statuses[1:] {
		s.fake.answer = refuseWith(status, "because")
		got := s.post(t, path(ipc.Workload), workloadQ)
		if want := `{"success":false,"error":"because"}`; got.code != httpStatus(status) || got.body != want {
			t.Errorf("%v: %d %s, want %d %s", status, got.code, got.body, httpStatus(status), want)
		}
		got = s.post(t, path(ipc.Workload)+"/batch", `{"requests":[`+workloadQ+`]}`)
		want := fmt.Sprintf(`{"success":true,"results":[{"status":%q,"error":"because"}]}`, status)
		if got.code != 200 || got.body != want {
			t.Errorf("%v in a slot: %d %s, want 200 %s", status, got.code, got.body, want)
		}
		if again := got.header.Get("Retry-After"); again != "" {
			t.Errorf("%v in a slot: Retry-After %q for the whole answer", status, again)
		}
	}
}

// With the daemon away the answer is 200 and says where it comes from.
func TestRuleAnswersAre200(t *testing.T) {
	s := newSite(t, nil)
	s.fake.answer = func(ctx context.Context, q ipc.Request, r *ipc.Reply) {
		answerByModel(ctx, q, r)
		r.Source, r.Reason, r.Model = ipc.SourceRule, ipc.ReasonDaemonUnavailable, ""
	}
	got := s.post(t, path(ipc.Threat), threatQ)
	if want := `"source":"rule","age_ns":1500,"model":null,"reason":"daemon unavailable"`; got.code != 200 || !strings.Contains(got.body, want) {
		t.Errorf("%d %s, want 200 with %s", got.code, got.body, want)
	}
}

// An answer that JSON cannot carry is a defect behind the API: 500, in a batch for
// that slot alone.
func TestNotFiniteAnswers(t *testing.T) {
	logged := 0
	s := newSite(t, func(c *Config) { c.Log = func(string, error) { logged++ } })
	s.fake.answer = func(ctx context.Context, q ipc.Request, r *ipc.Reply) {
		answerByModel(ctx, q, r)
		if q.Kind() == ipc.Threat {
			r.Threat.Score = float32(math.NaN())
		}
	}
	if got := s.post(t, path(ipc.Threat), threatQ); got.code != 500 || strings.Contains(got.body, "NaN") {
		t.Errorf("single: %d %s", got.code, got.body)
	}
	got := s.post(t, "/api/ml/predict/batch", `{"requests":[{"kind":"threat",`+threatQ[1:]+`,{"kind":"memory",`+memoryQ[1:]+`]}`)
	if !json.Valid([]byte(got.body)) || !strings.Contains(got.body, `[{"status":"internal","error":`) || !strings.Contains(got.body, `{"status":"ok",`) {
		t.Errorf("batch: %d %s", got.code, got.body)
	}
	if logged != 2 {
		t.Errorf("%d log lines, want one per defect", logged)
	}
}

func TestPredictorErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{&ipc.StatusError{Status: ipc.StatusOverloaded, Text: "full"}, 429},
		{&ipc.StatusError{Status: ipc.StatusOK, Text: "odd"}, 500},
		{fmt.Errorf("bridge: %w", ipc.ErrDraining), 503},
		{ipc.ErrClosed, 503},
		{&ipc.ConnError{Op: "dial", Err: errors.New("refused")}, 503},
		{context.DeadlineExceeded, 504},
		{errors.New("secret detail"), 500},
	} {
		s := newSite(t, func(c *Config) { c.Log = nil })
		s.fake.err = c.err
		for _, p := range []string{path(ipc.Memory), path(ipc.Memory) + "/batch", "/api/ml/outcome"} {
			body := memoryQ
			switch {
			case strings.HasSuffix(p, "batch"):
				body = `{"requests":[` + memoryQ + `]}`
			case strings.HasSuffix(p, "outcome"):
				body = outcomeQ
			}
			got := s.post(t, p, body)
			if got.code != c.code || strings.Contains(got.body, "secret") {
				t.Errorf("%v: POST %s = %d %s, want %d", c.err, p, got.code, got.body, c.code)
			}
			if again := got.header.Get("Retry-After"); (again != "") != (c.code == 429 || c.code == 503) {
				t.Errorf("%v: Retry-After %q with %d", c.err, again, got.code)
			}
		}
	}
}

const outcomeQ = `{"prediction_id":9007199254740993,"kind":"memory","agent_id":"18446744073709551615","observed_ago_ns":1000,"actual":{"next_address":4096,"access_type":1}}`

func TestOutcome(t *testing.T) {
	s := newSite(t, nil)
	got := s.post(t, "/api/ml/outcome", outcomeQ)
	if got.code != 202 || got.body != `{"success":true,"accepted":1}` {
		t.Errorf("single: %d %s", got.code, got.body)
	}
	got = s.post(t, "/api/ml/outcome", `{"outcomes":[`+outcomeQ+`,`+outcomeQ+`]}`)
	if got.code != 202 || got.body != `{"success":true,"accepted":2}` || len(s.fake.outcomes) != 3 {
		t.Errorf("list: %d %s, %d arrived", got.code, got.body, len(s.fake.outcomes))
	}
	o := s.fake.outcomes[0]
	if o.PredictionID != 1<<53+1 || o.Subject.Agent != 1<<64-1 || o.Ago != time.Microsecond || o.Actual.Memory.NextAddress != 4096 {
		t.Errorf("arrived as %+v", o)
	}
	// All or nothing.
	got = s.post(t, "/api/ml/outcome", `{"outcomes":[`+outcomeQ+`,{"kind":"memory"}]}`)
	if got.code != 400 || len(s.fake.outcomes) != 3 || !strings.Contains(got.body, "outcomes[1].prediction_id: missing") {
		t.Errorf("one bad: %d %s, %d arrived", got.code, got.body, len(s.fake.outcomes))
	}
	if got := s.post(t, "/api/ml/outcome?u64=string", outcomeQ); got.code != 400 {
		t.Errorf("query: %d %s", got.code, got.body)
	}
}
