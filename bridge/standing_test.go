package bridge

import (
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestBoundsHoldAsOftenAsTheySay draws windows of models that are exactly as good as
// the rule, with differences that hang together: a bound that took them for
// independent would call one of them worse in every third window.
func TestBoundsHoldAsOftenAsTheySay(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const windows = 2000
	worse, better := 0, 0
	for range windows {
		var w pairWindow
		x := 0.0
		for range windowBlocks * blockPairs {
			x = 0.5*x + r.NormFloat64()
			w.add(x)
		}
		low, high := w.bounds()
		if low > 0 {
			worse++
		}
		if high < 0 {
			better++
		}
	}
	// 1 % each is 20; the blocks still hang together a little.
	if worse > 50 || better > 50 || worse+better < 5 {
		t.Errorf("%d windows of %d said worse and %d better, want about 20 each", worse, windows, better)
	}
}

func TestWindowOfNothing(t *testing.T) {
	var w pairWindow
	for range fewBlocks*blockPairs - 1 {
		w.add(-1)
	}
	if low, high := w.bounds(); w.better() || !math.IsInf(low, -1) || !math.IsInf(high, 1) {
		t.Errorf("too few cases: bounds %v, %v", low, high)
	}
	if w.add(-1); !w.better() {
		t.Error("128 cases that were all better do not count as that")
	}
	var same pairWindow
	for range windowBlocks * blockPairs {
		same.add(0)
	}
	if same.better() {
		t.Error("a model that says what the rule says is better")
	}
}

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

// TestAModelIsDemotedTriedAndTrustedAgain is the life of a model.
func TestAModelIsDemotedTriedAndTrustedAgain(t *testing.T) {
	c := newCourt(t)
	right, wrong := float32(0.75), float32(0.25) // for the model; the rule is the other way round
	for range 1000 {
		if r := c.ask(right); r.Source != ipc.SourceModel {
			t.Fatalf("a good model: %v, %v", r.Source, r.Reason)
		}
	}
	n := c.until(wrong, 1000)
	if n > windowBlocks*blockPairs || len(c.turns) != 2 || !c.turns[0].Demoted || c.turns[0].Model != "m@1" || c.turns[1].Target != "memory" {
		t.Errorf("after %d bad cases %+v; want a demotion within the window", n, c.turns)
	}
	if s := c.turns[0]; s.TurnAdvantage >= 0 || s.TurnCases == 0 {
		t.Errorf("demoted on %d cases and an advantage of %v", s.TurnCases, s.TurnAdvantage)
	}

	asked := c.conns[0].calls
	for range 80 {
		if r := c.ask(wrong); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted || r.Prediction.Workload.CPU != 0.25 {
			t.Fatalf("demoted: %v, %v, %+v", r.Source, r.Reason, r.Prediction.Workload)
		}
	}
	if tries := c.conns[0].calls - asked; tries != 80/tryEvery {
		t.Errorf("%d tries in 80 questions, want %d", tries, 80/tryEvery)
	}
	// Whoever insists on a model is told.
	insisting := ipc.NewCall(workload(1, 0.25), &c.done)
	insisting.Arrived = c.now()
	insisting.Deadline, insisting.RequireModel = insisting.Arrived.Add(patient), true
	c.Round([]*ipc.Call{insisting})
	if r := insisting.Reply; r.Status != ipc.StatusUnavailable || r.Source != ipc.SourceNone {
		t.Errorf("insisting on a demoted model: %+v", r)
	}
	if d := c.Status(); d.Kinds[0].Answers["none"] != 1 || d.Fallbacks["demoted"] != 81 {
		t.Errorf("refused %d, for the demotion %d; want 1, and 80 given to the rule besides", d.Kinds[0].Answers["none"], d.Fallbacks["demoted"])
	}

	n = c.until(right, 20*tryEvery*windowBlocks*blockPairs)
	if s := c.turns[2]; s.Demoted || s.Recoveries != 1 {
		t.Errorf("after %d good cases: %+v", n, s)
	}
	if r := c.ask(right); r.Source != ipc.SourceModel {
		t.Errorf("trusted again: %v, %v", r.Source, r.Reason)
	}
	// What the model said while it was demoted was nobody's answer, but it was judged.
	if s := c.standing("memory"); s.Tries < fewBlocks*blockPairs || s.Demotions != 1 {
		t.Errorf("%+v, want at least %d tries", s, fewBlocks*blockPairs)
	}
}

// A daemon need not say what its models are called; the origin's did not. They are judged
// like others, and known again after a hand-over.
func TestAModelWithoutANameIsJudged(t *testing.T) {
	c := newCourt(t)
	c.name = ""
	c.ask(0.75)
	if s := c.standing("cpu"); s.Judged != 1 {
		t.Errorf("after an outcome: %+v, want one case", s)
	}
	if s := c.Status().Kinds[0].Model; s.State != "serving" {
		t.Errorf("told as %+v, want serving", s)
	}
	c.until(0.25, 1000)
	asked := c.conns[0].calls
	for range 80 {
		if r := c.ask(0.25); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
			t.Fatalf("demoted: %v, %v", r.Source, r.Reason)
		}
	}
	if tries := c.conns[0].calls - asked; tries != 80/tryEvery {
		t.Errorf("%d tries in 80 questions, want %d", tries, 80/tryEvery)
	}
	if s := c.Status().Kinds[0].Model; s.State != "demoted" {
		t.Errorf("told as %+v, want demoted", s)
	}
	next := new(scoreboard)
	if n, err := next.restore(c.score.save()); n != 1 || err != nil {
		t.Errorf("restore() = %d, %v; want 1", n, err)
	}
}

// TestANewModelStartsWithoutTheOldOnesRecord: also one that comes while the rule
// decides, and one that is rolled back to keeps what it had.
func TestANewModelStartsWithoutTheOldOnesRecord(t *testing.T) {
	c := newCourt(t)
	c.until(0.25, 1000)
	c.name, c.says = "m@2", 0.25
	for range 2 * tryEvery { // the next try finds the new one
		c.ask(0.25)
	}
	if r := c.ask(0.25); r.Source != ipc.SourceModel || r.Model != "m@2" {
		t.Errorf("a new model: %v by %q, %v", r.Source, r.Model, r.Reason)
	}
	c.name = "m@1"
	c.ask(0.25) // the answer says that the old one is back: it is not given
	if r := c.ask(0.25); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
		t.Errorf("rolled back to a demoted model: %v by %q, %v", r.Source, r.Model, r.Reason)
	}
	for i := range 2 * maxStandings { // and many more models do no harm
		c.name = string(rune('a' + i))
		for range 2*tryEvery + 1 {
			c.ask(0.25)
		}
	}
	if got := c.Scores()[0].Standings; len(got) != 2*maxStandings || !got[0].Serving || !got[1].Serving {
		t.Errorf("standings %+v", got)
	}
}

// TestAnAnswerUnderWayWhenItsModelIsDemoted is not given any more.
func TestAnAnswerUnderWayWhenItsModelIsDemoted(t *testing.T) {
	c := newCourt(t)
	answers := c.conns[0].sync
	for len(c.turns) == 0 {
		c.ask(0.25)
	}
	// One more question of before, as it were.
	c.conns[0].sync = nil
	m := c.score.of(ipc.Workload).standing.serving
	m.demoted = 0
	call := c.submit(c.question())[0]
	m.demoted = targetSet(ipc.TargetCPU | ipc.TargetMemory)
	c.conns[0].end(answers)
	if r := call.Reply; r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
		t.Errorf("%v, %v", r.Source, r.Reason)
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
		c.ask(0.25)
	}
	c.conns[0].end(answers)
	after := c.Scores()[0].Standings[0]
	if after.Tries != before.Tries+1 || after.ModelError <= 0 {
		t.Errorf("%d tries after %d", after.Tries, before.Tries)
	}
}

func TestKillSwitch(t *testing.T) {
	c := newCourt(t)
	c.ask(0.75)
	c.UseModels(false)
	asked := c.conns[0].calls
	for range 5 * tryEvery {
		if r := c.ask(0.75); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonSwitchedOff {
			t.Fatalf("models are off: %v, %v", r.Source, r.Reason)
		}
	}
	if c.conns[0].calls != asked || !c.ModelsOff() {
		t.Errorf("the daemon was asked %d times", c.conns[0].calls-asked)
	}
	if d := c.Status(); d.Kinds[0].Model.State != "off" {
		t.Errorf("status says %q", d.Kinds[0].Model.State)
	}
	c.UseModels(true)
	if r := c.ask(0.75); r.Source != ipc.SourceModel {
		t.Errorf("models are on again: %v, %v", r.Source, r.Reason)
	}
}

// TestStandingAllocatesNothing: neither deciding by rule with a try in eight, nor an
// outcome, nor a question's sample for the drift.
func TestStandingAllocatesNothing(t *testing.T) {
	c := newCourt(t)
	c.until(0.25, 1000)
	body := []byte(nil)
	c.conns[0].sync(&upstream.Exchange{Body: api.Msgpack.AppendCall(body, ipc.Workload, []ipc.Request{c.question()}, true)})
	answer := api.Answer{Model: c.name}
	answer.Resize(1)
	answer.Slots[0].Prediction = usage(0.75)
	c.conns[0].sync = replay(api.Msgpack.AppendAnswer(nil, &answer, true))
	q := c.question()
	call := ipc.NewCall(q, &c.done)
	calls := []*ipc.Call{call}
	o := []ipc.Outcome{{Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Workload}}}
	if n := testing.AllocsPerRun(1000, func() {
		call.Arrived = c.now()
		call.Deadline = call.Arrived.Add(patient)
		c.Round(calls)
		o[0].PredictionID = call.Reply.PredictionID
		c.Observe(o)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestDriftTellsOtherQuestionsApart, and the same ones not.
func TestDriftTellsOtherQuestionsApart(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, k := range ipc.Kinds {
		draw := func(shift float64) ipc.Request {
			v := float32(min(max(0.3+shift+0.1*r.NormFloat64(), 0), 1))
			size := uint64(math.Exp2(20 + 20*float64(v)))
			switch k {
			case ipc.Workload:
				return &ipc.WorkloadRequest{HistoricalCPU: []float32{0.3, v}, CurrentCPU: v, CurrentMemory: size}
			case ipc.Threat:
				return &ipc.ThreatRequest{Metrics: ipc.ThreatMetrics{SyscallCount: size, NetworkActivity: size}}
			case ipc.Failure:
				return &ipc.FailureRequest{HistoricalHealth: []float32{0.3, v}, HealthScore: v, Trend: int8(-2 + int(4*v)%4)}
			}
			return &ipc.MemoryRequest{AccessHistory: []uint64{1 << 50, 1<<50 + size}, LocalityScore: v}
		}
		var d drift
		for range driftEvery * (driftFirst + 3*driftRecent) {
			d.look(draw(0))
		}
		if got := d.snapshot(k); slices.ContainsFunc(got, Drift.Drifted) {
			t.Errorf("%v: the same questions: %+v", k, got)
		}
		for range driftEvery * driftRecent {
			d.look(draw(0.3))
		}
		drifted := 0
		for _, input := range d.snapshot(k) {
			if input.Drifted() {
				drifted++
			}
		}
		// All that is drawn has; the anomalies and the kind of an access never vary.
		if want := map[ipc.Kind]int{ipc.Workload: 3, ipc.Threat: 2, ipc.Failure: 3, ipc.Memory: 2}[k]; drifted != want {
			t.Errorf("%v: other questions: %+v, want a drift of %d of them", k, d.snapshot(k), want)
		}
		if d.restart(); slices.ContainsFunc(d.snapshot(k), Drift.Drifted) {
			t.Errorf("%v: a drift right after the start", k)
		}
	}
}

// TestOutcomesNobodyReported are counted when their place is needed.
func TestOutcomesNobodyReported(t *testing.T) {
	r := newRig(t, Config{TTL: time.Hour})
	fill(r.Bridge, workload(1, 0.5))
	for range rememberedPredictions + 10 {
		r.submit(workload(1, 0.5))
	}
	if got := r.Scores()[0].Missing; got != 10 {
		t.Errorf("%d missing, want 10", got)
	}
}

// TestACandidateIsScoredWhileTheModelIsDemoted: a rule that stands in for the one is no
// reason to know nothing of the other, and the other way round.
func TestACandidateIsScoredWhileTheModelIsDemoted(t *testing.T) {
	c := newCourt(t)
	c.candidate, c.suggests = "c@2", 0.25 // as the rule, which is right
	judged := func(label string) uint64 {
		for _, s := range c.Scores()[0].Standings {
			if s.Model == label && s.Target == "cpu" {
				return s.Judged
			}
		}
		return 0
	}
	grow := func(when string) {
		t.Helper()
		model, candidate := judged("m@1"), judged("c@2")
		for range 160 {
			if r := c.ask(0.25); r.Source != ipc.SourceRule {
				t.Fatalf("%s: %v answers", when, r.Source)
			}
		}
		if m, n := judged("m@1")-model, judged("c@2")-candidate; m < 10 || n < 10 {
			t.Errorf("%s: of 160 answers by the rule %d tried the model, %d the candidate", when, m, n)
		}
	}
	c.until(0.25, 1000)
	if !c.standing("cpu").Demoted || !c.standing("memory").Demoted {
		t.Fatal("the model is not demoted")
	}
	grow("a candidate in the shadow of a demoted model")

	c = newCourt(t)
	c.candidate, c.suggests, c.says, c.share = "c@2", 0.75, 0.25, true
	c.until(0.25, 1000)
	if len(c.turns) != 2 || c.turns[0].Model != "c@2" || c.turns[1].Model != "c@2" {
		t.Fatalf("%+v, want the candidate's demotion", c.turns)
	}
	grow("the share of a demoted candidate")
	if n := c.until(0.75, 2000); c.turns[2].Demoted || c.turns[2].Model != "c@2" {
		t.Errorf("after %d good tries %+v, want the candidate trusted again", n, c.turns[2])
	}
}

// TestACandidateIsScoredBesideTheModel, in the shadow and on its share, and demoted
// without the model's harm.
func TestACandidateIsScoredBesideTheModel(t *testing.T) {
	c := newCourt(t)
	c.candidate, c.suggests = "c@2", 0.5
	of := func(label string) (s Standing) {
		for _, s = range c.Scores()[0].Standings {
			if s.Model == label && s.Target == "cpu" {
				return s
			}
		}
		t.Fatalf("no standing of %s", label)
		return s
	}
	for range 100 {
		if r := c.ask(0.75); r.Source != ipc.SourceModel || r.Model != "m@1" {
			t.Fatalf("in the shadow: %v by %s", r.Source, r.Model)
		}
	}
	if s := of("c@2"); s.Judged != 100 || s.Tries != 100 || s.ModelError != 0.25 || s.Serving {
		t.Errorf("in the shadow: %+v", s)
	}
	c.share = true
	for range 10 {
		if r := c.ask(0.75); r.Source != ipc.SourceModel || r.Model != "c@2" || r.Prediction.Workload.CPU != 0.5 {
			t.Fatalf("in its share: %v by %s", r.Source, r.Model)
		}
	}
	if s, m := of("c@2"), of("m@1"); s.Judged != 110 || s.Tries != 100 || m.Judged != 110 || m.Tries != 10 {
		t.Errorf("in its share: candidate %+v, model %+v", s, m)
	}
	// The rule is right now, and the candidate worse than it; the model is, too, but a
	// candidate's demotion is its own: c.says makes the model right.
	c.says = 0.25
	for len(c.turns) == 0 {
		c.ask(0.25)
	}
	if c.turns[0].Model != "c@2" {
		t.Fatalf("%+v was demoted, want the candidate", c.turns[0])
	}
	if r := c.ask(0.25); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
		t.Errorf("a demoted candidate's share: %v by %s, %v", r.Source, r.Model, r.Reason)
	}
	c.share = false
	if r := c.ask(0.25); r.Source != ipc.SourceModel || r.Model != "m@1" {
		t.Errorf("the model beside it: %v by %s, %v", r.Source, r.Model, r.Reason)
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
