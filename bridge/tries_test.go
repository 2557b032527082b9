package bridge

import (
	"math"
	"net/http"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestADemotedModelsDaemonThatIsDown is asked for tries when its pause is over, once at a time.
func TestADemotedModelsDaemonThatIsDown(t *testing.T) {
	c := newCourt(t)
	c.until(0.25, 1000)
	l := c.lanes[0]
	l.routes[0].failed(http.ErrServerClosed)
	asked := c.conns[0].calls
	for range 5 * tryEvery {
		if r := c.ask(0.25); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
			t.Fatalf("%v because %v, want the rule because of the demotion", r.Source, r.Reason)
		}
		if len(l.queue) > 0 || c.conns[0].calls != asked {
			t.Fatalf("%d tries queued and %d sent in the daemon's pause", len(l.queue), c.conns[0].calls-asked)
		}
	}
	l.routes[0].breaker.until = 0
	answer := c.conns[0].sync
	c.conns[0].sync = nil
	for range 5 * tryEvery {
		c.ask(0.25)
	}
	if len(l.queue) > 0 || c.conns[0].calls != asked+1 {
		t.Errorf("after it %d tries are queued and %d sent, want one to see whether it is back", len(l.queue), c.conns[0].calls-asked)
	}
	if c.conns[0].end(answer); l.down() {
		t.Error("it counts as down after an answer")
	}
	l.close()
	for range 2 * tryEvery {
		c.ask(0.25)
	}
	if len(l.queue) > 0 || c.conns[0].calls != asked+1 {
		t.Error("a lane that is closed queues tries")
	}
}

// TestTriesOfOneQuestionAreBounded: while its answer is out, others ask the same.
func TestTriesOfOneQuestionAreBounded(t *testing.T) {
	c := newCourt(t)
	c.until(0.25, 1000)
	c.conns[0].sync = nil
	q := c.question()
	for range 2 * maxTrials * tryEvery {
		c.submit(q)
	}
	key := keyOf(q)
	if open := c.lanes[0].open.find(&key); open == nil || len(open.trials) != maxTrials {
		t.Errorf("%+v is to be scored beside others, want %d", open, maxTrials)
	}
}

// TestATryMayComeBehindItsOutcome: who acts fast reports before the daemon answered.
func TestATryMayComeBehindItsOutcome(t *testing.T) {
	c := newCourt(t)
	c.until(0.25, 1000)
	answers := c.conns[0].sync
	c.conns[0].sync = nil
	before := c.Scores()[0].Standings[0]
	for range tryEvery {
		c.ask(0.5) // what neither said
	}
	c.conns[0].end(answers)
	after := c.Scores()[0].Standings[0]
	model := after.ModelError*float64(after.Judged) - before.ModelError*float64(before.Judged)
	rule := after.RuleError*float64(after.Judged) - before.RuleError*float64(before.Judged)
	if after.Tries != before.Tries+1 || math.Abs(model-0.25) > 1e-9 || math.Abs(rule-0.25) > 1e-9 {
		t.Errorf("%d tries after %d, errors of %v and the rule's %v; want one more, and 0.25 each", after.Tries, before.Tries, model, rule)
	}
}

// TestAgentsInTurnAreAllTried: a scheduler asks about its agents in a fixed order, and what
// one of them does need not be what another does.
func TestAgentsInTurnAreAllTried(t *testing.T) {
	for _, agents := range []int{2, tryEvery, 8 * tryEvery} {
		var s standing
		tried := make([]int, agents)
		const each = 10 // tries an agent, on average
		for range each * tryEvery {
			for agent := range agents {
				if s.try(1) {
					tried[agent]++
				}
			}
		}
		sum := 0
		for agent, n := range tried {
			if sum += n; n == 0 {
				t.Errorf("of %d agents number %d is never tried", agents, agent)
			}
		}
		if sum != each*agents {
			t.Errorf("%d tries in %d questions, want one in %d", sum, each*tryEvery*agents, tryEvery)
		}
	}
}
