// Package security plays the kernel's threat detection: it follows the system calls
// of every task, asks every fifty calls how much they look like an attack, and takes
// the recommended action. A second guard per task acts on the rule alone; each keeps
// the history of its own scores.
//
// The truth is that of a whole recorded program: every report about a hostile one
// counts as hostile, though it may be harmless at that moment. So no detector can
// reach an area of 1 here. Actions are simulated: a task that was isolated goes on
// calling in the recording, and what it does is still judged.
package security

import (
	"context"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
	"github.com/mlbridge/mlbridge/ipc/rules"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/score"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

const (
	// Threshold is the confidence from which the model decides: the chance that
	// its verdict is right. An action against a harmless program hurts, so a coin
	// is not enough.
	Threshold = 0.6
	// reportEvery is how many calls of a task lie between two questions: half the
	// window that the features look back.
	reportEvery = 50
	// minLast is the least number of calls that a last question is asked about.
	minLast = 10
	// maxTasks bounds the tasks followed; further ones are not, and are counted.
	maxTasks = 8192
)

// Security judges tasks. It belongs to one goroutine.
type Security struct {
	name    string
	advisor *advice.Advisor
	tasks   map[uint64]*task
	order   []*task
	ignored int

	due        []*task
	reqs       []ipc.Request
	advs       []advice.Advice
	brier      score.Paired
	areas      score.Ranked
	hits       score.Paired // shares of hostile reports with a verdict
	falseAlarm score.Paired // shares of harmless reports with a verdict
	rightTypes score.Paired // shares of found hostile reports whose type is right
}

// task is one followed thread.
type task struct {
	id       uint64
	stream   int
	truth    uint8
	calls    syscalls.Stream
	fresh    int // calls since the last report
	at       time.Duration
	ml, rule guard
	request  ipc.ThreatRequest
}

// New makes the security subsystem; name is what reports call it.
func New(name string, advisor *advice.Advisor) *Security {
	return &Security{name: name, advisor: advisor, tasks: make(map[uint64]*task)}
}

// Step takes the calls of an instant and judges the tasks that are due.
func (s *Security) Step(ctx context.Context, calls []source.Call) error {
	for i := range calls {
		c := &calls[i]
		t := s.task(c)
		if t == nil {
			continue
		}
		t.calls.Add(syscalls.X8664(int(c.Nr)), c.Bytes)
		t.at = c.At
		if t.fresh++; t.fresh == reportEvery {
			s.due = append(s.due, t)
			if err := s.judge(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Finish judges the tasks that made calls since their last report. Call it at the
// end of the input.
func (s *Security) Finish(ctx context.Context) error {
	for _, t := range s.order {
		if t.fresh >= minLast {
			s.due = append(s.due, t)
			if err := s.judge(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Security) task(c *source.Call) *task {
	if t := s.tasks[c.Agent]; t != nil {
		return t
	}
	if len(s.tasks) >= maxTasks {
		s.ignored++
		return nil
	}
	t := &task{id: c.Agent, stream: c.Stream, truth: c.Truth}
	s.tasks[c.Agent] = t
	s.order = append(s.order, t)
	return t
}

// judge asks about the tasks that are due and takes action.
func (s *Security) judge(ctx context.Context) error {
	s.reqs = s.reqs[:0]
	for _, t := range s.due {
		s.reqs = append(s.reqs, t.ask())
	}
	for len(s.advs) < len(s.reqs) {
		s.advs = append(s.advs, advice.Advice{})
	}
	err := s.advisor.Ask(ctx, s.reqs, s.advs)
	for i, t := range s.due {
		if err == nil {
			s.settle(ctx, t, &s.advs[i])
		}
	}
	s.due = s.due[:0]
	s.advisor.Flush(ctx)
	return err
}

// ask writes the question with the history of the model's way.
func (t *task) ask() ipc.Request {
	t.fresh = 0
	t.calls.Report(&t.request, syscalls.Ordinary(), uint64(t.at))
	t.request.AgentID = t.id
	t.request.HistoricalThreats = t.ml.scores
	t.request.TimeSinceLastThreat = t.ml.sinceThreat(t.at)
	return &t.request
}

// settle takes both sides' actions. The truth of a recorded program is known at
// once; a kernel would learn it later, from an administrator.
func (s *Security) settle(ctx context.Context, t *task, a *advice.Advice) {
	rule := t.ruleAlone()
	t.ml.judge(&a.Act.Threat, t.at)
	t.rule.judge(&rule, t.at)

	hostile := t.truth != ipc.ThreatNone
	truth := unit(hostile)
	actual := ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: float32(truth), Type: t.truth}}
	s.advisor.Report(ctx, a, ipc.Subject{Agent: t.id}, actual)
	if a.FromModel {
		ml, ruled := float64(a.Model.Threat.Score), float64(rule.Score)
		s.brier.Add(t.id, (ml-truth)*(ml-truth), (ruled-truth)*(ruled-truth))
		s.areas.Add(uint64(t.stream), ml, ruled, hostile)
	}
	ml, ruled := unit(a.Act.Threat.Score >= verdictAt), unit(rule.Score >= verdictAt)
	if !hostile {
		s.falseAlarm.Add(uint64(t.stream), ml, ruled)
		return
	}
	s.hits.Add(uint64(t.stream), ml, ruled)
	s.rightTypes.AddRatio(uint64(t.stream), ml*unit(a.Act.Threat.Type == t.truth), ml, ruled*unit(rule.Type == t.truth), ruled)
}

// ruleAlone answers the same question with the rule's own history.
func (t *task) ruleAlone() ipc.ThreatPrediction {
	q := t.request
	q.HistoricalThreats = t.rule.scores
	q.TimeSinceLastThreat = t.rule.sinceThreat(t.at)
	var p ipc.Prediction
	rules.Predict(&q, &p)
	return p.Threat
}

func unit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Comparisons are the model against the rule; full adds the intervals.
func (s *Security) Comparisons(full bool) []report.Comparison {
	types := s.rightTypes.Compare(score.Metric{Subsystem: s.name, Name: "type right where found", Unit: "%", Scale: 100, HigherIsBetter: true}, full)
	foundML, foundRule := s.hits.Sums()
	types.N = uint64(foundML + foundRule)
	types.Note = fmt.Sprintf("%.0f reports found, %.0f by the rule alone", foundML, foundRule)
	return []report.Comparison{
		s.areas.Compare(score.Metric{Subsystem: s.name, Name: "ROC-AUC of reports", HigherIsBetter: true, Note: "where the model answered"}, full),
		s.brier.Compare(score.Metric{Subsystem: s.name, Name: "Brier score", Note: "where the model answered"}, full),
		s.hits.Compare(score.Metric{Subsystem: s.name, Name: "hostile reports found", Unit: "%", Scale: 100, HigherIsBetter: true, Note: "as acted on, score from 0.5"}, full),
		s.falseAlarm.Compare(score.Metric{Subsystem: s.name, Name: "harmless reports flagged", Unit: "%", Scale: 100, Note: "as acted on, score from 0.5"}, full),
		types,
	}
}

// Effects say what happened to tasks of hostile and of harmless programs.
func (s *Security) Effects() []report.Effect {
	count := func(hostile bool, from uint8, of func(*task) *guard) float64 {
		n := 0
		for _, t := range s.order {
			if (t.truth != ipc.ThreatNone) == hostile && of(t).action >= from {
				n++
			}
		}
		return float64(n)
	}
	ml := func(t *task) *guard { return &t.ml }
	rule := func(t *task) *guard { return &t.rule }
	row := func(name string, hostile bool, from uint8) report.Effect {
		return report.Effect{
			Subsystem: s.name, Name: name, Value: count(hostile, from, ml),
			Note: report.RuleAlone(count(hostile, from, rule), ""),
		}
	}
	return []report.Effect{
		{Subsystem: s.name, Name: "tasks of hostile programs", Value: count(true, 0, ml)},
		row("of these at least throttled", true, ipc.ActionThrottle),
		row("of these isolated or terminated", true, ipc.ActionIsolate),
		{Subsystem: s.name, Name: "tasks of harmless programs", Value: count(false, 0, ml)},
		row("of these at least throttled", false, ipc.ActionThrottle),
		row("of these isolated or terminated", false, ipc.ActionIsolate),
	}
}
