package freshness

import "github.com/mlbridge/mlbridge/ipc"

// The distance of two answers to the same question, in shares of the value's range: of
// what the kind is about, and 1 where what it advises is another thing altogether.

// Apart is the distance of two predictions of one kind.
func Apart(a, b *ipc.Prediction) float64 {
	switch a.Kind {
	case ipc.Workload:
		return Workload(&a.Workload, &b.Workload)
	case ipc.Threat:
		return Threat(&a.Threat, &b.Threat)
	case ipc.Failure:
		return Failure(&a.Failure, &b.Failure)
	}
	return Memory(&a.Memory, &b.Memory)
}

// Workload is the largest difference of the three predicted loads.
func Workload(a, b *ipc.WorkloadPrediction) float64 {
	d := max(distance(a.CPU, b.CPU), relative(a.Memory, b.Memory))
	switch {
	case a.GPU.Valid != b.GPU.Valid:
		return 1
	case a.GPU.Valid:
		d = max(d, distance(a.GPU.Value, b.GPU.Value))
	}
	return d
}

// Threat is the difference of the scores.
func Threat(a, b *ipc.ThreatPrediction) float64 {
	if a.Type != b.Type || a.Action != b.Action {
		return 1
	}
	return distance(a.Score, b.Score)
}

// Failure is the difference of the probabilities.
func Failure(a, b *ipc.FailurePrediction) float64 {
	if a.Type != b.Type {
		return 1
	}
	return distance(a.Probability, b.Probability)
}

// Memory is the difference of the probabilities of the same page.
func Memory(a, b *ipc.MemoryPrediction) float64 {
	const pageShift = 12
	if a.NextAddress>>pageShift != b.NextAddress>>pageShift {
		return 1
	}
	return distance(a.Probability, b.Probability)
}

// distance is that of two shares.
func distance(a, b float32) float64 { return float64(max(a-b, b-a)) }

// relative is the difference of two sizes over the larger.
func relative(a, b uint64) float64 {
	if a == b {
		return 0
	}
	return float64(max(a, b)-min(a, b)) / float64(max(a, b))
}
