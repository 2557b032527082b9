package rules_test

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// quiet is an agent at its ordinary work that never was a threat.
func quiet() *ipc.ThreatRequest {
	return &ipc.ThreatRequest{
		Metrics:             ipc.ThreatMetrics{OperationCount: 100, SyscallCount: 4000, NetworkActivity: 100_000},
		TimeSinceLastThreat: ipc.Never,
	}
}

func threat(change func(q *ipc.ThreatRequest)) (p ipc.ThreatPrediction) {
	q := quiet()
	change(q)
	rules.Threat(q, &p)
	return p
}

func anomalies(n int, severity float32) []ipc.Anomaly {
	as := make([]ipc.Anomaly, n)
	for i := range as {
		as[i].Severity = severity
	}
	return as
}

func TestThreatQuietAgent(t *testing.T) {
	if p := threat(func(*ipc.ThreatRequest) {}); p.Score != 0 || p.Type != ipc.ThreatNone || p.Action != ipc.ActionNone {
		t.Errorf("an agent at its work = %+v, want no threat", p)
	}
}

func TestThreatEvidenceOnlyAdds(t *testing.T) {
	more := []struct {
		name string
		add  func(q *ipc.ThreatRequest)
	}{
		{"an anomaly", func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(1, 0.6) }},
		{"a worse one", func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(1, 0.9) }},
		{"a cluster", func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(6, 0.9) }},
		{"a threat an hour ago", func(q *ipc.ThreatRequest) { q.TimeSinceLastThreat = 3_600_000 }},
		{"a threat just now", func(q *ipc.ThreatRequest) { q.TimeSinceLastThreat = 0 }},
		{"a loop of calls", func(q *ipc.ThreatRequest) { q.Metrics.SyscallCount = 1_000_000 }},
		{"a flood of bytes", func(q *ipc.ThreatRequest) { q.Metrics.NetworkActivity = 1 << 40 }},
	}
	q := quiet()
	var p ipc.ThreatPrediction
	rules.Threat(q, &p)
	for _, m := range more {
		before := p.Score
		m.add(q)
		if rules.Threat(q, &p); p.Score <= before {
			t.Errorf("%s: score %v, want more than %v", m.name, p.Score, before)
		}
	}
	if p.Action != ipc.ActionIsolate {
		t.Errorf("all evidence together: action %d at %v, want %d", p.Action, p.Score, ipc.ActionIsolate)
	}
}

func TestThreatWeakEvidenceAloneIsNoThreat(t *testing.T) {
	for name, change := range map[string]func(q *ipc.ThreatRequest){
		"a recent threat": func(q *ipc.ThreatRequest) { q.TimeSinceLastThreat = 0 },
		"the worst rates": func(q *ipc.ThreatRequest) {
			q.Metrics = ipc.ThreatMetrics{NetworkActivity: 1 << 62, SyscallCount: 1 << 31}
		},
		"a mild anomaly": func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(1, 0.7) },
		"negative ones":  func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(32, -5) },
	} {
		if p := threat(change); p.Score >= 0.5 || p.Type != ipc.ThreatNone {
			t.Errorf("%s alone = %+v, want a score below 0.5 and no type", name, p)
		}
	}
	if p := threat(func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(1, 1) }); p.Score < 0.5 || p.Type == ipc.ThreatNone {
		t.Errorf("a full anomaly alone = %+v, want a threat", p)
	}
}

// Earlier scores may be a model's. They say how sure the rule can be, not what it says.
func TestThreatScoreIsOfNow(t *testing.T) {
	some := func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(1, 0.8) }
	calm := threat(some)
	after := threat(func(q *ipc.ThreatRequest) { some(q); q.HistoricalThreats = []float32{1, 1, 1} })
	if after.Score != calm.Score || after.Action != calm.Action || after.Confidence <= calm.Confidence {
		t.Errorf("after threats %+v, without history %+v; want the same score, more confidence", after, calm)
	}
}

func TestThreatType(t *testing.T) {
	for _, c := range []struct {
		name    string
		metrics ipc.ThreatMetrics
		want    uint8
	}{
		{"nothing on the network", ipc.ThreatMetrics{SyscallCount: 1000}, ipc.ThreatPrivilegeEscalation},
		{"short exchanges", ipc.ThreatMetrics{SyscallCount: 1000, NetworkActivity: 256_000}, ipc.ThreatPasswordGuessing},
		{"longer ones", ipc.ThreatMetrics{SyscallCount: 1000, NetworkActivity: 257_000}, ipc.ThreatRemoteExecution},
		{"bulk", ipc.ThreatMetrics{SyscallCount: 1000, NetworkActivity: 16384 * 1000}, ipc.ThreatRemotePayload},
	} {
		got := threat(func(q *ipc.ThreatRequest) { q.Metrics, q.Anomalies = c.metrics, anomalies(1, 1) })
		if got.Type != c.want {
			t.Errorf("type with %s = %d, want %d", c.name, got.Type, c.want)
		}
	}
}

func TestThreatActionFollowsTheScore(t *testing.T) {
	for _, c := range []struct {
		anomalies int
		severity  float32
		want      uint8
	}{
		{0, 0, ipc.ActionNone},
		{1, 0.4, ipc.ActionNone},
		{1, 0.7, ipc.ActionMonitor},
		{1, 1, ipc.ActionThrottle},
		{32, 1, ipc.ActionThrottle},
	} {
		got := threat(func(q *ipc.ThreatRequest) { q.Anomalies = anomalies(c.anomalies, c.severity) })
		if got.Action != c.want {
			t.Errorf("%d anomalies of %v: action %d at score %v, want %d", c.anomalies, c.severity, got.Action, got.Score, c.want)
		}
	}
}

func TestThreatConfidenceGrowsWithSamples(t *testing.T) {
	last := float32(0)
	for n := 0; n <= ipc.MaxThreatHistory; n++ {
		p := threat(func(q *ipc.ThreatRequest) { q.HistoricalThreats = make([]float32, n) })
		if p.Confidence <= last || p.Confidence > 0.8 {
			t.Errorf("confidence with %d scores = %v, want above %v and at most 0.8", n, p.Confidence, last)
		}
		last = p.Confidence
	}
}
