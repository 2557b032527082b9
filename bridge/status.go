package bridge

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

// subsystems are the parts of a kernel that ask, by kind.
var subsystems = map[ipc.Kind]string{
	ipc.Workload: "scheduler", ipc.Threat: "security", ipc.Failure: "healing", ipc.Memory: "memory manager",
}

// measures say what the scoreboard's errors are, by kind and target.
var measures = [len(ipc.Kinds)][]string{
	{"mean error of the predicted cpu share", "mean error of the predicted memory, in shares of the agent's largest recent reading", "mean error of the predicted gpu share"},
	{"Brier score of the threat", "share of attacks of another type"},
	slices.Concat(
		slices.Repeat([]string{"Brier score"}, len(components)),
		slices.Repeat([]string{"mean relative error of the time until the failure"}, len(components)),
		slices.Repeat([]string{"share of failures of another type"}, len(components)),
	),
	{"share of wrong pages", "share of accesses of another kind"},
}

// Status says what the bridge has done since it was made and what state it is in, all
// but the history and the latencies, which a status.Recorder adds. Any goroutine may
// call it.
func (b *Bridge) Status() status.Document {
	up, socket, scores := b.Upstream(), b.ServerStats(), b.Scores()
	d := status.Document{
		Started: b.stats.started.UTC(), Now: time.Now().UTC(), Budget: b.budget.Load(),
		Fallbacks: make(map[string]uint64), Notices: []status.Notice{}, Actions: []status.Action{},
		Socket: status.Socket{
			Connections: int(socket.Connections), Accepted: socket.Accepted, Refused: socket.Refused, Faults: socket.Faults,
			Stuck: socket.Stuck, Messages: socket.Messages, Invalid: socket.SlotsInvalid,
		},
	}
	for _, why := range ipc.Reasons[1:] {
		d.Fallbacks[why.String()] = counted(b.stats.reasons[why])
	}
	for i, k := range ipc.Kinds {
		s := status.Kind{
			Kind: k.String(), Subsystem: subsystems[k], Late: b.stats.late[i].Load(),
			Answers:  make(map[string]uint64),
			Upstream: b.upstreamStatus(k, &up),
			Model:    b.modelStatus(up.models[k], up.served[k], &scores[i]),
			Score:    scoreStatus(&scores[i]),
		}
		for _, from := range ipc.Sources {
			s.Answers[from.String()] = counted(b.stats.answers[i][from])
		}
		d.Kinds = append(d.Kinds, s)
	}
	return d
}

func (b *Bridge) upstreamStatus(k ipc.Kind, up *UpstreamState) status.Upstream {
	i := k - 1
	s := status.Upstream{
		Breaker: up.breaker(k), Failing: up.failing[k],
		Calls: counted(b.stats.exchanges[i]), Questions: counted(b.stats.questions[i]),
		Failures: counted(b.stats.failures[i]), Retries: counted(b.stats.retries[i]), Invalid: counted(b.stats.invalid[i]),
	}
	return s
}

func scoreStatus(s *Score) status.Score {
	d := status.Score{
		Measure: measures[s.Kind-1][0], Joined: s.Joined, Unknown: s.Duplicate + s.Late + s.Foreign + s.Unissued, Missing: s.Missing,
		Targets: []status.Target{}, Standings: []status.Standing{}, Drift: make(map[string]float64),
	}
	for _, in := range s.Drifts {
		d.Drift[in.Input] = in.Index
	}
	for i := range s.Standings {
		m := &s.Standings[i]
		d.Standings = append(d.Standings, status.Standing{
			Model: m.Model, Target: m.Target, With: m.With, Stale: m.Stale, Serving: m.Serving, Demoted: m.Demoted, Judged: m.Judged, Tries: m.Tries,
			Demotions: m.Demotions, Recoveries: m.Recoveries,
			Window: m.Window, Advantage: finite(m.Advantage), Low: finite(m.Low), High: finite(m.High),
		})
		if m.Serving && !m.Stale && m.Judged > 0 {
			d.Targets = append(d.Targets, status.Target{
				Target: m.Target, With: m.With, Measure: measures[s.Kind-1][slices.Index(targetNames[s.Kind-1], m.Target)], Demoted: m.Demoted, Judged: m.Judged,
				Model: finite(m.ModelError), Rule: finite(m.RuleError), RecentModel: finite(m.RecentModel), RecentRule: finite(m.RecentRule),
			})
		}
	}
	if s.Kind == ipc.Failure {
		d.Measure = "Brier score of the failure"
	}
	overall(s.Kind, &d)
	return d
}

// overall gives the mean over the kind's first part, by how many cases each of its targets
// has: of a failure the components' probabilities, and of all whether the questions tell more
// or not.
func overall(k ipc.Kind, d *status.Score) {
	firsts := targetNames[k-1][:1]
	if k == ipc.Failure {
		firsts = components[:]
	}
	var model, rule, recentModel, recentRule float64
	for i := range d.Targets {
		t := &d.Targets[i]
		if !slices.Contains(firsts, t.Target) {
			continue
		}
		n := float64(t.Judged)
		d.Judged += t.Judged
		model, rule = model+n**t.Model, rule+n**t.Rule
		recentModel, recentRule = recentModel+n**t.RecentModel, recentRule+n**t.RecentRule
	}
	if n := float64(d.Judged); n > 0 {
		d.Model, d.Rule = finite(model/n), finite(rule/n)
		d.RecentModel, d.RecentRule = finite(recentModel/n), finite(recentRule/n)
	}
}

// finite gives nil for what JSON has no number for.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// modelStatus says who answers for a kind: the model of that name, which may have none, if
// one has answered.
func (b *Bridge) modelStatus(name string, served bool, s *Score) status.Model {
	ruled, all := s.Ruled()
	m := status.Model{Name: name, State: "serving", Ruled: ruled}
	switch {
	case b.ModelsOff():
		m.State = "off"
	case all:
		m.State = "demoted"
	case len(ruled) > 0:
		m.State = "partly demoted"
	case !served:
		m.State = "none"
	}
	if ruled == nil {
		m.Ruled = []string{}
	}
	return m
}

// Count reads the counters for a status.Recorder. Any goroutine may call it.
func (b *Bridge) Count(c *status.Counters) {
	for i := range c {
		k := &c[i]
		for _, from := range ipc.Sources {
			k.Answers[from] = counted(b.stats.answers[i][from])
		}
		k.Late = b.stats.late[i].Load()
		b.stats.took[i].Read(&k.Latency)
	}
}

// counted reads a counter.
func counted(c prometheus.Counter) uint64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil { // no counter fails
		return 0
	}
	return uint64(m.Counter.GetValue())
}
