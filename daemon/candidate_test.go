package daemon

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// saying is a predictor that says the same cpu to everybody, or fails.
type saying struct {
	version string
	cpu     float32
	err     error
	asked   *atomic.Int64 // counts the questions; nil for nobody who wants to know
}

func (s saying) Name() string    { return "say" }
func (s saying) Version() string { return s.version }
func (s saying) Predict(_ []ipc.Request, out []ipc.Prediction) error {
	if s.asked != nil {
		s.asked.Add(int64(len(out)))
	}
	for i := range out {
		out[i].Workload = ipc.WorkloadPrediction{CPU: s.cpu, Confidence: 1}
	}
	return s.err
}

// trying is a source of a model and a candidate.
type trying struct {
	model     saying
	candidate *registry.Candidate
}

func (t trying) Look() registry.Look { return t }

func (t trying) Load(k ipc.Kind) (registry.Predictor, string, error) {
	if k != ipc.Workload {
		return nil, "", registry.ErrNone
	}
	return t.model, "here", nil
}
func (trying) Problem(ipc.Kind) error { return nil }
func (t trying) Candidate(ipc.Kind) (*registry.Candidate, error) {
	return t.candidate, nil
}

// answerOf asks about n agents and gives the answer as a bridge reads it.
func answerOf(t *testing.T, candidate saying, share float64, n int) api.Answer {
	t.Helper()
	a, err := answerBeside(t, saying{cpu: 0.25}, candidate, share, n)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// answerBeside is answerOf a model and a candidate; the error is about the whole call.
func answerBeside(t *testing.T, model, candidate saying, share float64, n int) (a api.Answer, err error) {
	t.Helper()
	c := &registry.Candidate{Model: &registry.Model{Kind: ipc.Workload, Label: "say@2", Predictor: candidate}, Share: share}
	reg := registry.New(trying{saying{version: "1"}, c})
	_ = reg.Reload()
	reg.Snapshot().Model(ipc.Workload).Predictor = model // which would not have been taken, if it is bad
	reqs := make([]ipc.Request, n)
	for i := range reqs {
		reqs[i] = &ipc.WorkloadRequest{AgentID: uint64(i)}
	}
	body, err := NewHosted(ipc.Workload, reg).Answer(api.Msgpack.AppendCall(nil, ipc.Workload, reqs, true))
	if err != nil {
		return a, err
	}
	if err := api.Msgpack.ParseAnswer(body, ipc.Workload, true, n, &a); err != nil {
		t.Fatal(err)
	}
	return a, nil
}

func TestACandidateInTheShadowIsOnlyTold(t *testing.T) {
	a := answerOf(t, saying{version: "2", cpu: 0.75}, 0, 20)
	if a.Model != "say@1" || a.Beside != "say@2" {
		t.Errorf("%q answers, %q besides", a.Model, a.Beside)
	}
	for i, s := range a.Slots {
		if s.Prediction.Workload.CPU != 0.25 || s.Model != "" || !s.HasBeside || s.Beside.Workload.CPU != 0.75 {
			t.Fatalf("slot %d: %+v", i, s)
		}
	}
}

func TestACandidateAnswersItsShareOfTheSubjects(t *testing.T) {
	const n, share = 200, 0.25
	a, again := answerOf(t, saying{version: "2", cpu: 0.75}, share, n), answerOf(t, saying{version: "2", cpu: 0.75}, 2*share, n)
	theirs, more := 0, 0
	for i, s := range a.Slots {
		mine := s.Model == "say@2"
		if mine {
			theirs++
		}
		if again.Slots[i].Model == "say@2" {
			more++
		} else if mine {
			t.Errorf("agent %d is in the share of a quarter and not in that of a half", i)
		}
		if mine != (s.Prediction.Workload.CPU == 0.75) || mine != s.HasBeside || mine && s.Beside.Workload.CPU != 0.25 {
			t.Fatalf("slot %d: %+v", i, s)
		}
	}
	if a.Beside != "say@1" || theirs < n*share/2 || theirs > n*share*3/2 || more < 2*theirs*2/3 {
		t.Errorf("%q besides; %d and %d of %d agents in shares of a quarter and a half", a.Beside, theirs, more, n)
	}
}

// TestABadCandidateHarmsNobody: neither one that fails nor one out of its range. It is asked,
// or this would say nothing.
func TestABadCandidateHarmsNobody(t *testing.T) {
	for _, bad := range []saying{{version: "2", cpu: 0.75, err: errors.New("no")}, {version: "2", cpu: 7}} {
		for _, share := range []float64{0, 0.99} {
			var asked atomic.Int64
			bad.asked = &asked
			slots := answerOf(t, bad, share, 20).Slots
			if n := asked.Load(); n < 15 {
				t.Fatalf("%+v, share %v: the candidate was asked %d of 20 questions", bad, share, n)
			}
			for i, s := range slots {
				if s.Status != ipc.StatusOK || s.Prediction.Workload.CPU != 0.25 || s.Model != "" || s.HasBeside {
					t.Fatalf("%+v, share %v, slot %d: %+v", bad, share, i, s)
				}
			}
		}
	}
}

// TestACandidateAnswersItsShareWhereTheModelHasNoAnswer: whether that fails, or says what is out
// of its range. Others are told so, and nobody where the candidate is only in the shadow.
func TestACandidateAnswersItsShareWhereTheModelHasNoAnswer(t *testing.T) {
	const n = 40
	for _, bad := range []saying{{cpu: 0.25, err: errors.New("no")}, {cpu: 7}} {
		for _, share := range []float64{0, 0.5} {
			a, err := answerBeside(t, bad, saying{version: "2", cpu: 0.75}, share, n)
			if whole := share == 0 && bad.err != nil; whole != (err != nil) {
				t.Fatalf("%+v, share %v: %v", bad, share, err)
			}
			theirs := 0
			for i, s := range a.Slots {
				if s.Status == ipc.StatusOK {
					theirs++
				}
				if own := s.Status == ipc.StatusOK; own != (s.Model == "say@2") || own != (s.Prediction.Workload.CPU == 0.75) || own != (s.Error == "") || s.HasBeside {
					t.Fatalf("%+v, share %v, slot %d: %+v", bad, share, i, s)
				}
			}
			if want := share * n; float64(theirs) < want/2 || float64(theirs) > want*3/2 {
				t.Errorf("%+v: %d of %d agents have an answer with a share of %v", bad, theirs, n, share)
			}
		}
	}
}
