package rules

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// Weights of the kinds of evidence: how far each alone, at its strongest, can
// carry the score. A single strong anomaly passes 0.5, a bad rate or the memory of
// an old threat alone does not.
const (
	anomalyWeight = 0.60
	clusterWeight = 0.45
	recentWeight  = 0.20
	rateWeight    = 0.25
)

const (
	// strongSeverity is the severity from which an anomaly counts towards a
	// cluster, and clusterSize how many make a full one.
	strongSeverity = 0.5
	clusterSize    = 8
	// recentHalf is the age of the last threat, in ms, at which its memory counts
	// half: ten minutes, the window in which password guards count failures.
	recentHalf = 600_000
)

// Threat scores behaviour by four kinds of evidence in [0, 1] and joins them as
// independent causes do, 1 - Π(1 - weight × evidence) (the "noisy or" of Pearl,
// Probabilistic Reasoning in Intelligent Systems, 1988): evidence only adds, and
// no sum has to be cut off.
//
//   - the worst anomaly. A detector's verdict on a call sequence is the strongest
//     single sign: unknown short sequences separate attacks from normal use
//     (STIDE: Forrest, Hofmeyr, Somayaji, Longstaff, IEEE S&P 1996).
//   - how many strong anomalies came together. Warrender, Forrest, Pearlmutter
//     (IEEE S&P 1999) count mismatches in a local frame, because attacks mismatch
//     in bursts and normal programs singly.
//   - how lately there was a threat, halved every ten minutes.
//   - rates, see rateEvidence.
//
// Earlier scores are not evidence: whoever gave them saw no more then than is seen now,
// and joined so they only add up. On the part of ADFA-LD (Creech, Hu, IEEE Trans.
// Computers 2014) that choices are made by, ROC-AUC is 0.853 without them, 0.816 with the
// rule's own; and where a model answers they are the model's, so that a comparison of the
// two would judge the rule by the model's mistakes.
//
// Severities are read as shares and clamped to [0, 1]. The optional syscall
// features are not looked at: what they mean belongs to the model that asks for
// them.
//
// Confidence is low on purpose. Four counters and a severity cannot tell an attack
// from an unusual day; the rule never names ActionTerminate, which cannot be
// taken back.
func Threat(q *ipc.ThreatRequest, p *ipc.ThreatPrediction) {
	worst, cluster := anomalyEvidence(q.Anomalies)
	calm := (1 - anomalyWeight*worst) *
		(1 - clusterWeight*cluster) *
		(1 - recentWeight*recentEvidence(q.TimeSinceLastThreat)) *
		(1 - rateWeight*rateEvidence(&q.Metrics))
	score := clamp01(1 - calm)
	*p = ipc.ThreatPrediction{
		Score:      score,
		Type:       threatType(score, &q.Metrics),
		Confidence: threatConfidence(q),
		Action:     threatAction(score),
	}
}

func anomalyEvidence(as []ipc.Anomaly) (worst, cluster float32) {
	strong := 0
	for i := range as {
		severity := clamp01(as[i].Severity)
		worst = max(worst, severity)
		if severity >= strongSeverity {
			strong++
		}
	}
	// One is the anomaly already counted as the worst.
	return worst, clamp01(float32(strong-1) / (clusterSize - 1))
}

func recentEvidence(sinceMs uint64) float32 {
	if sinceMs == ipc.Never {
		return 0
	}
	return float32(math.Exp2(-float64(sinceMs) / recentHalf))
}

// Rates from which an agent looks busy with something else than its work, and the
// rates that are as bad as it gets. They are orders of magnitude: of system calls,
// an ordinary operation makes tens, a guessing or scanning loop thousands; a
// network conversation moves up to a page or so per call, a bulk transfer more.
const (
	callsPerOpHigh, callsPerOpWorst = 1e3, 1e5
	bytesPerCallHigh                = 16 << 10
	bytesPerCallWorst               = 1 << 20
)

// rateEvidence looks at counts and resource use, two of the three measures of
// Denning's model (An Intrusion-Detection Model, IEEE TSE 1987), as ratios to each
// other, because the length of a report's interval is not known: calls per
// operation and network bytes per call. Between the high and the worst rate it
// grows with the logarithm, since the rates are orders of magnitude.
func rateEvidence(m *ipc.ThreatMetrics) float32 {
	calls := logShare(perUnit(m.SyscallCount, m.OperationCount), callsPerOpHigh, callsPerOpWorst)
	bytes := logShare(perUnit(m.NetworkActivity, m.SyscallCount), bytesPerCallHigh, bytesPerCallWorst)
	return max(calls, bytes)
}

// perUnit divides; of nothing it takes one, so that calls without an operation
// still count.
func perUnit(amount, units uint64) float64 { return float64(amount) / float64(max(units, 1)) }

func logShare(v, low, high float64) float32 {
	if v <= low {
		return 0
	}
	return clamp01(float32(math.Log(v/low) / math.Log(high/low)))
}

// threatScore is the score from which there is a threat to name.
const threatScore = 0.5

// conversationBytes is the most that a login attempt moves per call: a line or
// two each way.
const conversationBytes = 256

func threatType(score float32, m *ipc.ThreatMetrics) uint8 {
	if score < threatScore {
		return ipc.ThreatNone
	}
	return ThreatType(m)
}

// ThreatType guesses the type of an attack from the counters alone: nothing on the network
// is local (privilege escalation), many short exchanges are guessing, bulk is a payload
// under remote control, anything between is remote execution. A web shell takes a
// look at the call stream and is never named.
func ThreatType(m *ipc.ThreatMetrics) uint8 {
	perCall := perUnit(m.NetworkActivity, m.SyscallCount)
	switch {
	case m.NetworkActivity == 0:
		return ipc.ThreatPrivilegeEscalation
	case perCall <= conversationBytes:
		return ipc.ThreatPasswordGuessing
	case perCall >= bytesPerCallHigh:
		return ipc.ThreatRemotePayload
	}
	return ipc.ThreatRemoteExecution
}

func threatAction(score float32) uint8 {
	switch {
	case score < 0.3:
		return ipc.ActionNone
	case score < threatScore:
		return ipc.ActionMonitor
	case score < 0.8:
		return ipc.ActionThrottle
	}
	return ipc.ActionIsolate
}

// threatConfidence starts at a coin's toss and grows with the samples, towards
// 0.8: earlier scores, anomalies, and one for counters that counted anything.
func threatConfidence(q *ipc.ThreatRequest) float32 {
	samples := len(q.HistoricalThreats) + len(q.Anomalies)
	if q.Metrics != (ipc.ThreatMetrics{}) {
		samples++
	}
	n := float32(samples)
	return 0.5 + 0.3*n/(n+5)
}
