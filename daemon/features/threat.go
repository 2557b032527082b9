package features

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// SyscallColumns is the length of the syscall_features vector that the threat
// layout knows (its layout: package ipc/mlclient/syscalls), windowColumns that of
// clients that remember no more than the window. A vector of another length counts
// as absent.
const (
	SyscallColumns = 128
	windowColumns  = 117
)

// anomalyTypes is how many anomaly types, from 1 on, have a column.
const anomalyTypes = 6

// countColumns hold the share of each group among the calls that the agent's memory
// counts (syscall_counts).
const countColumns = syscalls.Groups

// Threat rows hold the call stream's vector as it comes, how the agent's calls were
// mixed before, the findings of the client's novelty detector, and, without a stream, what
// the four counters say. Absolute counts and bytes are not columns: they say how long
// ago the last report was. With a stream neither are the counters' ratios: how long a
// report is is the client's business, and the window says more.
var Threat = Layout{
	Predictor: ipc.Threat.String(),
	Version:   "threat-4",
	Names:     threatNames(),
}

// threatRest is how many columns follow those of the anomalies.
const threatRest = 6

func threatNames() []string {
	names := make([]string, 0, SyscallColumns+countColumns+anomalyTypes+threatRest)
	for i := range SyscallColumns {
		names = append(names, "syscall_"+string([]byte{'0' + byte(i/100), '0' + byte(i/10%10), '0' + byte(i%10)}))
	}
	for i := range countColumns {
		names = append(names, "remembered_"+string([]byte{'0' + byte(i/10), '0' + byte(i%10)}))
	}
	names = append(names, "surprise_mean", "surprise_max", "surprise_high", "above_4_bits", "above_6_bits", "unknown_triples")
	return append(names, "has_syscalls", "has_anomalies", "operations", "calls", "has_history", "history")
}

// windowCalls is what a full window of 100 calls gives in the column "calls".
var windowCalls = log2(1 + 100)

// ThreatRow fills dst (Threat.Width() numbers) from q.
func ThreatRow(q *ipc.ThreatRequest, dst []float32) {
	dst = dst[:len(Threat.Names)]
	clear(dst)
	stream := HasSyscalls(q)
	if stream {
		if copy(dst, q.SyscallFeatures); len(q.SyscallFeatures) == windowColumns {
			rememberWindow(dst)
		}
		if !shareCounts(q.SyscallCounts, dst[SyscallColumns:SyscallColumns+countColumns]) {
			shareClasses(dst)
		}
	}
	known := false
	for i := range q.Anomalies {
		// The strongest finding of a type counts.
		if a := &q.Anomalies[i]; a.Type >= 1 && a.Type <= anomalyTypes {
			column := SyscallColumns + countColumns + int(a.Type) - 1
			dst[column] = max(dst[column], a.Severity)
			known = true
		}
	}
	r := row{dst, SyscallColumns + countColumns + anomalyTypes}
	r.flag(stream)
	r.flag(known)
	if m := &q.Metrics; stream {
		r.put(0)
		r.put(0)
	} else {
		r.put(min(1, ratio(float64(m.OperationCount), float64(m.SyscallCount))))
		r.put(min(log2(1+float64(m.SyscallCount)), windowCalls)) // more than a window is no more information
	}
	r.flag(len(q.HistoricalThreats) > 0)
	r.put(meanEvidence(q.HistoricalThreats))
}

// meanEvidence is the mean of earlier scores as log2 odds, each cut to 1:99: a run
// of scores counts, not a single sure one. 0 without any.
func meanEvidence(scores []float32) float64 {
	if len(scores) == 0 {
		return 0
	}
	var sum float64
	for _, v := range scores {
		p := max(0.01, min(0.99, float64(v)))
		sum += log2(p / (1 - p))
	}
	return sum / float64(len(scores))
}

// rememberWindow fills the columns of the agent's memory as the window alone would: an
// agent whose client has none looks as if it had just begun.
func rememberWindow(dst []float32) {
	memory := dst[windowColumns:SyscallColumns]
	for g := range syscalls.Groups {
		m := &memory[syscalls.Group(g).Class()]
		*m = max(-math.MaxFloat32, min(math.MaxFloat32, *m+dst[g])) // of shares it is 1 at most
	}
	about := memory[syscalls.Classes:]
	about[0] = float32(float64(dst[syscalls.Groups]) * syscalls.WindowCalls / 1000)
	copy(about[1:], dst[syscalls.Groups+1:syscalls.Groups+4]) // different groups, entropy, the commonest
}

// shareCounts fills dst with each group's share of the counts, and reports whether
// there are any that can be read.
func shareCounts(counts []uint64, dst []float32) bool {
	if len(counts) != countColumns {
		return false
	}
	var sum float64
	for _, c := range counts {
		sum += float64(c)
	}
	if sum == 0 {
		return false
	}
	for i, c := range counts {
		dst[i] = float32(float64(c) / sum)
	}
	return true
}

// shareClasses shares what the memory says of each class out among the class's groups as
// the window has them: for clients that send no counts. A class that the window lacks
// stays without groups.
func shareClasses(dst []float32) {
	var now [syscalls.Classes]float64
	for g := range syscalls.Groups {
		now[syscalls.Group(g).Class()] += float64(dst[g])
	}
	for g := range syscalls.Groups {
		c := syscalls.Group(g).Class()
		// Whoever sends numbers that are no shares gets some in [0, 1] all the same.
		if v := float64(dst[windowColumns+int(c)]) * float64(dst[g]) / now[c]; v > 0 {
			dst[SyscallColumns+g] = float32(min(1, v))
		}
	}
}

// HasSyscalls reports whether q carries a call stream's vector.
func HasSyscalls(q *ipc.ThreatRequest) bool {
	n := len(q.SyscallFeatures)
	return n == SyscallColumns || n == windowColumns
}

// UnreadEvidence reports whether q carries findings that no column holds:
// anomalies of other detectors, or earlier threats.
func UnreadEvidence(q *ipc.ThreatRequest) bool {
	for i := range q.Anomalies {
		if a := &q.Anomalies[i]; a.Type < 1 || a.Type > anomalyTypes {
			return true
		}
	}
	for _, v := range q.HistoricalThreats {
		if v >= 0.5 {
			return true
		}
	}
	return false
}
