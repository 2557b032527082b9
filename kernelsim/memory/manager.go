// Package memory plays the kernel's memory manager: at every page fault of an agent
// it predicts the next page and prefetches it into a bounded queue of pages, so
// that the fault to come is covered.
//
// The faults come from recordings (or a generator) and stay as they are: a page
// that was prefetched still faults in the recording, which is how it is known that
// the prefetch would have served. A second queue per agent is filled by the rule
// alone.
package memory

import (
	"context"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/pages"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/score"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

const (
	// Threshold is the probability from which the model's page is prefetched; below,
	// the rule decides, which prefetches only what walks on page by page. A page that
	// is not used costs a little bandwidth, a page that is missed a wait, so a small
	// chance is enough. It and moreThreshold, of the further pages of an answer, whose
	// chance is of being accessed soon, are those that daemon/eval chose on val: with the
	// queue here, too, no others that were tried cover more of val's faults at an
	// accuracy of 70 %. With the embedded model of 2026.11.28, coverage at accuracy:
	//
	//	                    val           committed recordings
	//	from 0.02 and 0.43  55.4 at 58.5  60.4 at 73.1 %
	//	from 0.06 and 0.23  54.9 at 62.9  61.1 at 70.8 %
	//	from 0.079 and 0.23 54.1 at 71.0  60.9 at 71.7 %
	//	from 0.12 and 0.20  53.1 at 84.7  60.2 at 71.1 %
	//	from 0.30 and 0.43  52.5 at 95.2  55.0 at 88.8 %
	Threshold     = 0.079
	moreThreshold = 0.23

	pageSize  = 4096
	maxAgents = 256 // of 200 KiB each
)

// Manager prefetches pages. It belongs to one goroutine.
type Manager struct {
	name    string
	advisor *advice.Advisor
	agents  map[uint64]*agent
	gone    struct{ ml, rule counts } // of agents forgotten

	reqs []ipc.Request
	advs []advice.Advice
	who  []*agent

	top1     score.Paired // share of pages named exactly, where the model answered
	coverage score.Paired // share of faults covered
	accuracy score.Paired // share of issues that were useful
	worst    score.Worst  // faults covered
}

// agent is one process.
type agent struct {
	id      uint64
	faults  int
	current uint64 // address of the last fault
	tracker pages.Tracker

	asked    bool
	pending  advice.Advice
	request  ipc.MemoryRequest
	ml, rule queue
}

// New makes a memory manager; name is what reports call it.
func New(name string, advisor *advice.Advisor) *Manager {
	return &Manager{name: name, advisor: advisor, agents: make(map[uint64]*agent)}
}

// Step takes the faults of an instant, at most one of each agent, and prefetches
// what is expected next.
func (m *Manager) Step(ctx context.Context, faults []source.Fault) error {
	m.reqs, m.who = m.reqs[:0], m.who[:0]
	for i := range faults {
		f := &faults[i]
		a := m.agent(f.Agent)
		m.settle(ctx, a, f)
		a.observe(f)
		m.reqs, m.who = append(m.reqs, a.ask()), append(m.who, a)
	}
	for len(m.advs) < len(m.reqs) {
		m.advs = append(m.advs, advice.Advice{})
	}
	if err := m.advisor.Ask(ctx, m.reqs, m.advs); err != nil {
		return err
	}
	for i, a := range m.who {
		a.asked, a.pending = true, m.advs[i]
		m.prefetch(a)
	}
	return nil
}

func (m *Manager) agent(id uint64) *agent {
	if a := m.agents[id]; a != nil {
		return a
	}
	if len(m.agents) >= maxAgents {
		// Any will do: recordings have a handful, and the map's order is random.
		for old, a := range m.agents {
			m.gone.ml.add(a.ml.counts)
			m.gone.rule.add(a.rule.counts)
			delete(m.agents, old)
			break
		}
	}
	a := &agent{id: id}
	m.agents[id] = a
	return a
}

func (a *agent) observe(f *source.Fault) {
	a.faults++
	a.current = f.Addr
	a.tracker.Add(f.Addr, f.Type, uint64(f.At))
}

func (a *agent) ask() ipc.Request {
	a.tracker.Report(&a.request)
	a.request.AgentID = a.id
	return &a.request
}

// settle sees how the prefetches and the last prediction did at this fault.
func (m *Manager) settle(ctx context.Context, a *agent, f *source.Fault) {
	page, n := f.Addr/pageSize, a.faults
	mlCovered, mlUseful := a.ml.fault(page, n)
	ruleCovered, ruleUseful := a.rule.fault(page, n)
	if n > 0 { // nothing could have been known of an agent's first fault
		m.coverage.Add(a.id, unit(mlCovered), unit(ruleCovered))
		m.worst.Gain(unit(mlCovered), unit(ruleCovered))
		m.accuracy.AddRatio(a.id, unit(mlUseful), 0, unit(ruleUseful), 0)
	}
	if !a.asked {
		return
	}
	a.asked = false
	p := &a.pending
	actual := ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: f.Addr, Probability: 1, Type: f.Type}}
	m.advisor.Report(ctx, p, ipc.Subject{Agent: a.id}, actual)
	if !p.FromModel {
		return
	}
	ml, rule := unit(p.Model.Memory.NextAddress/pageSize == page), unit(p.Rule.Memory.NextAddress/pageSize == page)
	m.top1.Add(a.id, ml, rule)
}

// prefetch issues what the decision names, in both queues.
func (m *Manager) prefetch(a *agent) {
	now := a.faults - 1 // the number of the fault just taken
	current := a.current / pageSize
	p := &a.pending
	before, ruleBefore := a.ml.issued, a.rule.issued
	issue := func(q *queue, address uint64) {
		// The page that just faulted is there: bringing it in again does nothing.
		if page := address / pageSize; page != current {
			q.issue(page, now)
		}
	}
	issue(&a.ml, p.Act.Memory.NextAddress)
	if p.ByModel {
		for _, c := range p.Act.Memory.More[:p.Act.Memory.MoreLen] {
			if c.Probability >= moreThreshold {
				issue(&a.ml, c.Address)
			}
		}
	}
	issue(&a.rule, p.Rule.Memory.NextAddress)
	m.accuracy.AddRatio(a.id, 0, float64(a.ml.issued-before), 0, float64(a.rule.issued-ruleBefore))
}

func unit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Comparisons are the model against the rule; full adds the intervals.
func (m *Manager) Comparisons(full bool) []report.Comparison {
	coverage := m.coverage.Compare(score.Metric{Subsystem: m.name, Name: "prefetch coverage", Unit: "%", Scale: 100, HigherIsBetter: true, Note: "issued or named again within the 32 faults before"}, full)
	accuracy := m.accuracy.Compare(score.Metric{Subsystem: m.name, Name: "prefetch accuracy", Unit: "%", Scale: 100, HigherIsBetter: true, Note: "issued pages faulted within 64 faults"}, full)
	issued, _ := m.totals()
	accuracy.N = uint64(issued.issued) // pages, not moments
	return []report.Comparison{
		m.top1.Compare(score.Metric{Subsystem: m.name, Name: "next page named (top-1)", Unit: "%", Scale: 100, HigherIsBetter: true, Note: "where the model answered"}, full),
		coverage, accuracy,
	}
}

// totals adds up what the queues of all agents did, also of those forgotten.
func (m *Manager) totals() (ml, rule counts) {
	ml, rule = m.gone.ml, m.gone.rule
	for _, a := range m.agents {
		ml.add(a.ml.counts)
		rule.add(a.rule.counts)
	}
	return ml, rule
}

// Effects are the totals over the run.
func (m *Manager) Effects() []report.Effect {
	ml, rule := m.totals()
	row := func(name string, ml, rule int) report.Effect {
		return report.Effect{
			Subsystem: m.name, Name: name, Value: float64(ml), Note: report.RuleAlone(float64(rule), ""),
		}
	}
	rows := []report.Effect{
		{Subsystem: m.name, Name: "faults seen", Value: float64(ml.faults)},
		row("pages prefetched", ml.issued, rule.issued),
		row("prefetched pages used", ml.useful, rule.useful),
		row("faults covered", ml.covered, rule.covered),
		row("pushed out for lack of room", ml.pushedOut, rule.pushedOut),
	}
	return append(rows, m.worst.Effects(m.name, "faults covered")...)
}

// Turn says that the input behaves otherwise from now on.
func (m *Manager) Turn() { m.worst.Turn() }
