package security

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestTerminationNeedsConfidence(t *testing.T) {
	for _, c := range []struct {
		confidence float32
		want       uint8
	}{{0.79, ipc.ActionIsolate}, {0.8, ipc.ActionTerminate}} {
		var g guard
		if got := g.judge(&ipc.ThreatPrediction{Score: 1, Confidence: c.confidence, Action: ipc.ActionTerminate}, 0); got != c.want {
			t.Errorf("confidence %v: action %d, want %d", c.confidence, got, c.want)
		}
	}
}

func TestGuardRemembersTheStrictestAction(t *testing.T) {
	var g guard
	for i, a := range []uint8{ipc.ActionMonitor, ipc.ActionThrottle, ipc.ActionNone} {
		g.judge(&ipc.ThreatPrediction{Score: 0.4, Action: a}, time.Duration(i)*time.Second)
	}
	if g.action != ipc.ActionThrottle {
		t.Errorf("action %d, want throttle", g.action)
	}
	if since := g.sinceThreat(time.Minute); since != ipc.Never {
		t.Errorf("time since a threat that never was: %d", since)
	}
	g.judge(&ipc.ThreatPrediction{Score: 0.5}, time.Second)
	if since := g.sinceThreat(3 * time.Second); since != 2000 {
		t.Errorf("time since a threat two seconds ago: %d ms", since)
	}
	for i := range 20 {
		g.judge(&ipc.ThreatPrediction{Score: float32(i) / 40}, 0)
	}
	if n := len(g.scores); n != ipc.MaxThreatHistory || g.scores[n-1] != 19.0/40 {
		t.Errorf("%d scores, last %v; want the last ten", n, g.scores[n-1])
	}
}
