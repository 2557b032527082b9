// Package scheduler plays the kernel's AI scheduler: for every agent it predicts
// the cpu and memory of the next interval, allocates that much with some headroom,
// and sees at the interval's end whether it was too much or too little.
//
// Too little slows the agent down, too much is taken from others; both are counted
// in share-seconds (one core for one second) and GiB-seconds. The same agents are
// scheduled a second time by the rule alone, on the same input, for comparison.
//
// The simulation does not feed back: an agent that got too little still uses what
// it used when it was observed.
package scheduler

import (
	"context"
	"math"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/score"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

const (
	// Threshold is the confidence from which the model decides. Confidence is the
	// chance of an error of at most 0.05; the rule's error is not known to be
	// smaller when the model is unsure, so the bar is low.
	Threshold = 0.3
	// cpuHeadroom is added to the predicted share: the error that a confident
	// prediction may have. memoryHeadroom is a part of the predicted bytes.
	cpuHeadroom    = 0.05
	memoryHeadroom = 0.10
	// maxAgents bounds the agents known at a time; the longest unseen goes first. What is
	// remembered of cpu and memory grows to 10 KiB each (loads.Tracker): 20 MiB for all.
	maxAgents = 1024
	gib       = 1 << 30
)

// Scheduler allocates cpu and memory. It belongs to one goroutine.
type Scheduler struct {
	name    string
	advisor *advice.Advisor
	agents  map[uint64]*agent

	reqs []ipc.Request
	advs []advice.Advice
	who  []*agent

	// Per outcome: errors of the predictions where the model answered, and what
	// the allocations did, whoever decided.
	cpuError, memoryError score.Paired
	near                  score.Paired // shares of cpu errors of at most 0.05
	over, under           score.Paired // share-seconds
	memOver, memUnder     score.Paired // GiB-seconds
	worstCPU, worstMemory score.Worst  // of what was misallocated
}

// agent is one scheduled program.
type agent struct {
	id      uint64
	past    loads.Tracker
	at      time.Time // end of the last interval seen
	asked   bool      // pending holds what was decided for the interval after it
	pending advice.Advice
	request ipc.WorkloadRequest // its storage is used again for every question
}

// New makes a scheduler; name is what reports call it.
func New(name string, advisor *advice.Advisor) *Scheduler {
	return &Scheduler{name: name, advisor: advisor, agents: make(map[uint64]*agent)}
}

// Step takes the samples of an interval that has ended, settles what was allocated
// for it, and allocates the next.
func (s *Scheduler) Step(ctx context.Context, samples []source.Usage) error {
	s.reqs, s.who = s.reqs[:0], s.who[:0]
	for i := range samples {
		u := &samples[i]
		a := s.agent(u.Agent)
		if a.missed(u) {
			a.past.Break()
			a.asked = false // what was decided was about an interval that nobody saw
		}
		if a.asked {
			s.settle(ctx, a, u)
		}
		a.observe(u)
		s.reqs, s.who = append(s.reqs, a.ask(u)), append(s.who, a)
	}
	for len(s.advs) < len(s.reqs) {
		s.advs = append(s.advs, advice.Advice{})
	}
	if err := s.advisor.Ask(ctx, s.reqs, s.advs); err != nil {
		return err
	}
	for i, a := range s.who {
		a.asked, a.pending = true, s.advs[i]
	}
	s.advisor.Flush(ctx)
	return nil
}

// agent finds an agent, making room for a new one.
func (s *Scheduler) agent(id uint64) *agent {
	if a := s.agents[id]; a != nil {
		return a
	}
	if len(s.agents) >= maxAgents {
		var oldest *agent
		for _, a := range s.agents {
			if oldest == nil || a.at.Before(oldest.at) {
				oldest = a
			}
		}
		delete(s.agents, oldest.id)
	}
	a := &agent{id: id}
	s.agents[id] = a
	return a
}

// missed reports whether intervals lie between the last one seen of the agent and u's:
// more than half of one, as samples are not taken quite on time. Of a new agent all were
// missed.
func (a *agent) missed(u *source.Usage) bool { return u.At.Add(-u.Over).Sub(a.at) > u.Over/2 }

// observe notes a reading.
func (a *agent) observe(u *source.Usage) {
	a.at = u.At
	a.past.Add(loads.Reading{CPU: float32(u.CPU), Memory: u.Memory})
}

// ask writes the question about the interval that begins, in place of the last one: that
// has been answered, and whoever keeps one keeps a copy (ipc.Predictor, advice.Pool). Hour
// and weekday are UTC.
func (a *agent) ask(u *source.Usage) ipc.Request {
	at := u.At.UTC()
	a.request.AgentID = a.id
	a.request.TimeOfDay, a.request.DayOfWeek = uint8(at.Hour()), uint8(at.Weekday())
	a.past.Report(&a.request)
	return &a.request
}

// settle compares what was allocated with what was used, and reports it back.
func (s *Scheduler) settle(ctx context.Context, a *agent, u *source.Usage) {
	p := &a.pending
	a.asked = false
	actual := ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: float32(u.CPU), Memory: u.Memory}}
	s.advisor.Report(ctx, p, ipc.Subject{Agent: a.id}, actual)

	cpuErr := func(w *ipc.WorkloadPrediction) float64 { return math.Abs(float64(w.CPU) - u.CPU) }
	if p.FromModel && !p.Ruled.Has(ipc.TargetCPU) {
		ml, rule := cpuErr(&p.Model.Workload), cpuErr(&p.Rule.Workload)
		s.cpuError.Add(a.id, ml, rule)
		s.near.Add(a.id, within(ml), within(rule))
	}
	if p.FromModel && !p.Ruled.Has(ipc.TargetMemory) {
		s.memoryError.Add(a.id, memoryDifference(p.Model.Workload.Memory, u.Memory), memoryDifference(p.Rule.Workload.Memory, u.Memory))
	}
	seconds := u.Over.Seconds()
	mlOver, mlUnder := allocation(&p.Act.Workload, u, seconds)
	ruleOver, ruleUnder := allocation(&p.Rule.Workload, u, seconds)
	s.over.Add(a.id, mlOver.cpu, ruleOver.cpu)
	s.under.Add(a.id, mlUnder.cpu, ruleUnder.cpu)
	s.worstCPU.Cost(mlOver.cpu+mlUnder.cpu, ruleOver.cpu+ruleUnder.cpu)
	s.worstMemory.Cost(mlOver.memory+mlUnder.memory, ruleOver.memory+ruleUnder.memory)
	s.memOver.Add(a.id, mlOver.memory, ruleOver.memory)
	s.memUnder.Add(a.id, mlUnder.memory, ruleUnder.memory)
}

// amount is cpu in share-seconds and memory in GiB-seconds.
type amount struct{ cpu, memory float64 }

// allocation gives a prediction with headroom and returns what was too much and
// what was missing, over an interval of some seconds.
func allocation(w *ipc.WorkloadPrediction, u *source.Usage, seconds float64) (over, under amount) {
	cpu := min(float64(w.CPU)+cpuHeadroom, 1) - u.CPU
	memory := (float64(w.Memory)*(1+memoryHeadroom) - float64(u.Memory)) / gib
	over = amount{max(cpu, 0) * seconds, max(memory, 0) * seconds}
	under = amount{max(-cpu, 0) * seconds, max(-memory, 0) * seconds}
	return over, under
}

// tolerance is the error that confidence speaks of.
const tolerance = 0.05

func within(err float64) float64 {
	if err <= tolerance {
		return 1
	}
	return 0
}

// memoryDifference is the error in MiB, taken between integers.
func memoryDifference(a, b uint64) float64 { return float64(max(a, b)-min(a, b)) / (1 << 20) }

// Comparisons are the model against the rule; full adds the intervals.
func (s *Scheduler) Comparisons(full bool) []report.Comparison {
	answered := "where the model answered"
	whole := "of a core per interval, with headroom"
	rows := []report.Comparison{
		s.cpuError.Compare(score.Metric{Subsystem: s.name, Name: "mean |cpu error|", Unit: "points", Scale: 100, Note: answered}, full),
		s.near.Compare(score.Metric{Subsystem: s.name, Name: "cpu error at most 5 points", Unit: "%", Scale: 100, HigherIsBetter: true, Note: answered}, full),
		s.memoryError.Compare(score.Metric{Subsystem: s.name, Name: "mean |memory error|", Unit: "MiB", Note: answered}, full),
		s.over.Compare(score.Metric{Subsystem: s.name, Name: "cpu allocated in vain", Unit: "ms", Scale: 1000, Note: whole}, full),
		s.under.Compare(score.Metric{Subsystem: s.name, Name: "cpu missing", Unit: "ms", Scale: 1000, Note: whole}, full),
	}
	return rows
}

// Effects are the totals over the run.
func (s *Scheduler) Effects() []report.Effect {
	row := func(name, unit string, p *score.Paired) report.Effect {
		ml, rule := p.Sums()
		return report.Effect{Subsystem: s.name, Name: name, Value: ml, Unit: unit, Note: report.RuleAlone(rule, unit)}
	}
	rows := []report.Effect{
		{Subsystem: s.name, Name: "intervals allocated", Value: float64(s.over.N())},
		row("cpu over-allocated", "share-s", &s.over),
		row("cpu under-allocated", "share-s", &s.under),
		row("memory over-allocated", "GiB-s", &s.memOver),
		row("memory under-allocated", "GiB-s", &s.memUnder),
	}
	rows = append(rows, s.worstCPU.Effects(s.name, "cpu misallocated")...)
	return append(rows, s.worstMemory.Effects(s.name, "memory misallocated")...)
}

// Turn says that the input behaves otherwise from now on.
func (s *Scheduler) Turn() {
	s.worstCPU.Turn()
	s.worstMemory.Turn()
}
