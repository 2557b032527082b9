package main

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/predict"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// timed is a model that takes so long for a question, by its trial.
type timed time.Duration

func (timed) Name() string                                  { return "timed" }
func (timed) Version() string                               { return "1" }
func (timed) Predict([]ipc.Request, []ipc.Prediction) error { return nil }
func (d timed) Try([]ipc.Request) (predict.Trial, error) {
	return predict.Trial{Single: time.Duration(d)}, nil
}
func (d timed) Look() registry.Look                               { return d }
func (timed) Problem(ipc.Kind) error                              { return nil }
func (timed) Candidate(ipc.Kind) (*registry.Candidate, error)     { return nil, nil }
func (d timed) Load(ipc.Kind) (registry.Predictor, string, error) { return d, "here", nil }

// beside is a model with a candidate that takes as long.
type beside struct{ timed }

func (b beside) Look() registry.Look { return b }
func (b beside) Candidate(k ipc.Kind) (*registry.Candidate, error) {
	return &registry.Candidate{Model: &registry.Model{Kind: k, Label: "timed@2", Predictor: b.timed, Trial: predict.Trial{Single: time.Duration(b.timed)}}}, nil
}

// TestTheLoopIsNotHeldUpByAHostedModel: what takes long, by the trials of who is asked, is
// answered beside the loop, on which everybody else waits.
func TestTheLoopIsNotHeldUpByAHostedModel(t *testing.T) {
	for _, c := range []struct {
		line      string
		models    registry.Source
		questions int
		onLoop    bool
	}{
		{"a fast model", timed(5 * time.Microsecond), 1, true},
		{"some questions", timed(5 * time.Microsecond), 15, true},
		{"questions whose number takes three bytes", timed(5 * time.Microsecond), 16, true},
		{"as much as may be", timed(5 * time.Microsecond), 20, true},
		{"too many", timed(5 * time.Microsecond), 21, false},
		{"a slow model", timed(registry.MaxLatency), 1, false},
		{"two that together are", beside{timed(60 * time.Microsecond)}, 1, false},
		{"two that are not", beside{timed(50 * time.Microsecond)}, 1, true},
	} {
		reg := registry.New(c.models)
		if err := reg.Reload(); err != nil {
			t.Fatal(err)
		}
		loop, err := eventloop.New(func() int64 { return int64(ipc.Now()) })
		if err != nil {
			t.Fatal(err)
		}
		reqs := make([]ipc.Request, c.questions)
		for i := range reqs {
			reqs[i] = &ipc.ThreatRequest{AgentID: uint64(i)}
		}
		over, onLoop := false, false
		x := &upstream.Exchange{Body: api.Msgpack.AppendCall(nil, ipc.Threat, reqs, true)}
		x.Done = func(x *upstream.Exchange) {
			over = true
			if x.Err != nil || x.Status != 200 {
				t.Errorf("%s: %d %s, %v", c.line, x.Status, x.Answer, x.Err)
			}
			loop.Post(loop.Close)
		}
		conn := &hostedConn{loop: loop, engine: daemon.NewHosted(ipc.Threat, reg)}
		loop.Post(func() {
			conn.Do(x)
			onLoop = over // of what goes on beside the loop it hears later
		})
		_ = loop.Run()
		if onLoop != c.onLoop {
			t.Errorf("%s: %d bytes answered on the loop: %v", c.line, len(x.Body), onLoop)
		}
	}
}
