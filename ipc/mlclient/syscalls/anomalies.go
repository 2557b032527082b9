package syscalls

import (
	"math"
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
)

// The anomaly types that Report writes.
const (
	AnomalyMeanSurprise  uint32 = 1 // mean surprise of the window's calls, bits a call
	AnomalyMaxSurprise   uint32 = 2 // the largest, bits
	AnomalyHighSurprise  uint32 = 3 // the 90th percentile, bits
	AnomalyAbove4        uint32 = 4 // share of calls with more than 4 bits
	AnomalyAbove6        uint32 = 5 // share of calls with more than 6 bits
	AnomalyUnknownTriple uint32 = 6 // share of unknown runs of three calls
)

const findings = 6

// appendAnomalies scores the window against what n knows. A window of one call
// has no pair and yields nothing.
//
// A value becomes the severity 1 - 2^(-value/usual), where usual is the value
// that 95 of 100 windows of the median ordinary program stay below (Usual). So
// severities of all types compare: 0.5 is the edge of the ordinary, whatever the
// unit was.
func (n *Novelty) appendAnomalies(dst []ipc.Anomaly, calls []Group, now uint64) []ipc.Anomaly {
	values, ok := n.score(calls)
	if !ok {
		return dst
	}
	for i, v := range values {
		dst = append(dst, ipc.Anomaly{
			Type:      AnomalyMeanSurprise + uint32(i),
			Severity:  float32(1 - math.Exp2(-v/float64(n.usual[i]))),
			Timestamp: now,
		})
	}
	return dst
}

// score gives the values of the six types for a window.
func (n *Novelty) score(calls []Group) (values [findings]float64, ok bool) {
	if len(calls) < 2 {
		return values, false
	}
	var buffer [WindowCalls]float64
	bits := buffer[:0]
	var sum float64
	above4, above6, unknown := 0, 0, 0
	for i := 1; i < len(calls); i++ {
		v := n.bits(calls[i-1], calls[i])
		bits = append(bits, v)
		sum += v
		if v > 4 {
			above4++
		}
		if v > 6 {
			above6++
		}
		if i >= 2 && !n.known(calls[i-2], calls[i-1], calls[i]) {
			unknown++
		}
	}
	slices.Sort(bits)
	pairs := float64(len(bits))
	return [findings]float64{
		sum / pairs, bits[len(bits)-1], bits[len(bits)*9/10],
		float64(above4) / pairs, float64(above6) / pairs, float64(unknown) / max(1, pairs-1),
	}, true
}
