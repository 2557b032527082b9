package freshness

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

const ttl = 100 * time.Millisecond

func TestTTLFollowsTheAnswers(t *testing.T) {
	p := New(ttl, time.Minute, 0.01)
	for _, c := range []struct {
		line  string
		apart []float64 // of one answer from the one before
		want  time.Duration
	}{
		{"nothing learnt", nil, ttl},
		{"the same again", []float64{0}, 2 * ttl},
		{"within the tolerance", []float64{0.01}, 2 * ttl},
		{"beyond it", []float64{0.011}, ttl / 4},
		{"twice the same, then another", []float64{0, 0, 1}, ttl},
		{"always another", []float64{1, 1, 1, 1, 1}, ttl / 16},
		{"always the same", make([]float64, 40), time.Minute},
	} {
		var l Level
		for _, d := range c.apart {
			var agreed bool
			if l, agreed = p.Judge(l, d); agreed != (d <= 0.01) {
				t.Errorf("%s: %v apart agree: %v", c.line, d, agreed)
			}
		}
		if got := p.TTL(l); got != c.want {
			t.Errorf("%s: TTL = %v, want %v", c.line, got, c.want)
		}
	}
	if up, down := Replaced(5), Replaced(-3); up != 0 || down != -3 {
		t.Errorf("after another model's answer levels 5 and -3 are %d and %d, want 0 and -3", up, down)
	}
}

func TestFixedTTLLearnsNothing(t *testing.T) {
	p := New(ttl, ttl, 0.01)
	if l, agreed := p.Judge(3, 0); l != 0 || !agreed || p.Adaptive() || p.Restore(5) != 0 || p.Stale(0, 1) != 1 {
		t.Errorf("level %d after an answer that agreed (%v), want 0", l, agreed)
	}
	if got := p.TTL(MaxLevel); got != ttl {
		t.Errorf("TTL = %v at the highest level, want %v", got, ttl)
	}
}

func TestLevelsFromElsewhereAreClamped(t *testing.T) {
	p := New(ttl, time.Hour, 0.01)
	if low, high := p.Restore(-100), p.Restore(100); low != MinLevel || high != MaxLevel {
		t.Errorf("levels -100 and 100 are %d and %d, want %d and %d", low, high, MinLevel, MaxLevel)
	}
	nanosecond := New(1, time.Hour, 0)
	if p.TTL(127) != p.TTL(MaxLevel) || p.TTL(-128) != p.TTL(MinLevel) || nanosecond.TTL(MinLevel) != 1 {
		t.Error("a TTL is not within its bounds")
	}
	if got := p.Stale(3, time.Second); got != 16*ttl {
		t.Errorf("an answer with a TTL of %v is stale up to %v, want twice that", p.TTL(3), got)
	}
}

func TestStages(t *testing.T) {
	adaptive, fixed := New(ttl, time.Minute, 0.01), New(ttl, ttl, 0.01)
	for _, c := range []struct {
		policy   *Policy
		age      time.Duration
		hits     uint8
		replaced bool
		want     Stage
	}{
		{&adaptive, 0, Hot, false, Fresh},
		{&adaptive, 75*time.Millisecond - 1, Hot, false, Fresh},
		{&adaptive, 75 * time.Millisecond, Hot - 1, false, Fresh},
		{&adaptive, 75 * time.Millisecond, Hot, false, Ahead},
		{&adaptive, ttl - 1, Hot, false, Ahead},
		{&adaptive, ttl, Hot, false, Revalidate},
		{&adaptive, ttl, 0, false, Revalidate},
		{&adaptive, 2*ttl - 1, 0, false, Revalidate},
		{&adaptive, 2 * ttl, 255, false, Old},
		{&adaptive, 0, 0, true, Revalidate},
		{&adaptive, -5, 0, false, Fresh},
		{&fixed, ttl - 1, Hot, false, Fresh},
		{&fixed, ttl - 1, Hot, true, Fresh},
		{&fixed, ttl, Hot, false, Old},
	} {
		if got := c.policy.Stage(0, c.age, c.hits, c.replaced); got != c.want {
			t.Errorf("adaptive %v, Stage(age %v, %d hits, replaced %v) = %d, want %d", c.policy.Adaptive(), c.age, c.hits, c.replaced, got, c.want)
		}
	}
}

func TestApart(t *testing.T) {
	gpu := ipc.Some(float32(0.25))
	for _, c := range []struct {
		a, b ipc.Prediction
		want float64
	}{
		{ipc.Prediction{Kind: ipc.Workload}, ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.5}}, 0.5},
		{ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{Memory: 1}}, ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{Memory: 4}}, 0.75},
		{ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{GPU: gpu}}, ipc.Prediction{Kind: ipc.Workload}, 1},
		{ipc.Prediction{Kind: ipc.Threat}, ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: 0.25}}, 0.25},
		{ipc.Prediction{Kind: ipc.Threat}, ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Action: 1}}, 1},
		{ipc.Prediction{Kind: ipc.Failure}, ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 0.25}}, 0.25},
		{ipc.Prediction{Kind: ipc.Failure}, ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Type: 2}}, 1},
		{ipc.Prediction{Kind: ipc.Memory}, ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: 4095, Probability: 0.5}}, 0.5},
		{ipc.Prediction{Kind: ipc.Memory}, ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: 4096}}, 1},
	} {
		if there, back := Apart(&c.a, &c.b), Apart(&c.b, &c.a); there != c.want || back != c.want {
			t.Errorf("%v: apart %v and %v, want %v", c.a.Kind, there, back, c.want)
		}
	}
}
