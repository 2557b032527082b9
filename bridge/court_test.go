package bridge

import (
	"net/http"
	"testing"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// court plays callers whose world the test decides: the model says one thing, the rule
// another, and one of them is right. Cpu and memory go together, a share of 1 being gib,
// unless the test says otherwise.
type court struct {
	*rig
	t     *testing.T
	agent uint64
	name  string  // of the model that serves
	says  float32 // what the model says of every agent's cpu
	turns []Standing
	gpu   ipc.Optional[float32] // of every agent

	candidate string  // in the shadow, "" for none
	suggests  float32 // what it says
	share     bool    // the candidate answers, and the model goes beside
}

const gib = 1 << 30

func newCourt(t *testing.T) *court {
	c := &court{t: t, name: "m@1", says: 0.75}
	c.rig = newRig(t, Config{OnStanding: func(s Standing) { c.turns = append(c.turns, s) }})
	c.conns[0].sync = func(x *upstream.Exchange) {
		call := api.Call{Kind: ipc.Workload, Batch: true}
		if err := api.Msgpack.ParseCall(x.Body, &call); err != nil {
			t.Error(err)
		}
		answer := api.Answer{Model: c.name}
		answer.Resize(len(call.Requests))
		for i := range answer.Slots {
			slot := &answer.Slots[i]
			slot.Prediction = usage(c.says)
			slot.Prediction.Workload.GPU, slot.Prediction.Workload.Confidence = c.gpu, 1
			if c.candidate == "" {
				continue
			}
			slot.Beside, slot.HasBeside = usage(c.suggests), true
			if answer.Beside = c.candidate; c.share {
				slot.Prediction, slot.Beside = slot.Beside, slot.Prediction
				slot.Model, answer.Beside = c.candidate, c.name
			}
		}
		x.Status, x.AnswerType, x.Answer = http.StatusOK, api.Msgpack.ContentType(), api.Msgpack.AppendAnswer(nil, &answer, true)
	}
	return c
}

// usage is so much of a cpu and of a GiB.
func usage(share float32) ipc.Prediction {
	return ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: share, Memory: uint64(share * gib)}}
}

// question is about a new agent, whose rule says 0.25, of a GiB too.
func (c *court) question() *ipc.WorkloadRequest {
	c.agent++
	q := workload(c.agent, 0.25)
	q.HistoricalMemory, q.CurrentMemory, q.CurrentGPU = []uint64{gib, gib / 4}, gib/4, c.gpu
	return q
}

// ask asks about a new agent and tells what happened.
func (c *court) ask(actual float32) ipc.Reply { return c.askOf(usage(actual), 0) }

// askOf tells all that happened, but what nobody measured.
func (c *court) askOf(actual ipc.Prediction, unobserved ipc.Targets) ipc.Reply {
	r := c.submit(c.question())[0].Reply
	c.Observe([]ipc.Outcome{{PredictionID: r.PredictionID, Subject: ipc.Subject{Agent: c.agent}, Actual: actual, Unobserved: unobserved}})
	return r
}

// standing gives the serving model's at a target.
func (c *court) standing(target string) Standing {
	c.t.Helper()
	for _, s := range c.Scores()[0].Standings {
		if s.Serving && s.Target == target {
			return s
		}
	}
	c.t.Fatalf("no standing at %s: %+v", target, c.Scores()[0].Standings)
	return Standing{}
}

// until asks until the standing changes, at most limit times, and gives the number.
func (c *court) until(actual float32, limit int) int {
	c.t.Helper()
	before := len(c.turns)
	for n := 1; n <= limit; n++ {
		c.ask(actual)
		if len(c.turns) > before {
			return n
		}
	}
	c.t.Fatalf("no change of standing in %d cases: %+v", limit, c.Scores()[0])
	return 0
}

// loses makes the model lose at memory and win at the cpu, until a standing changes.
func (c *court) loses(limit int) {
	c.t.Helper()
	for before := len(c.turns); len(c.turns) == before; limit-- {
		if limit == 0 {
			c.t.Fatalf("no change of standing: %+v", c.Scores()[0].Standings)
		}
		c.askOf(ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.75, Memory: gib / 4}}, 0)
	}
}

func (c *court) ruled() (ruled []string, all bool) {
	s := c.Scores()[0]
	return s.Ruled()
}
