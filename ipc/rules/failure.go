package rules

import (
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Times until the failure that the rule names, in nanoseconds.
const (
	criticalTime  = uint64(60 * time.Second)
	degradingTime = uint64(300 * time.Second)
)

// Failure predicts from thresholds on the health score, the trend and the
// component's name. It is the origin's rule:
//
//	probability  0.9 / 0.6 / 0.3 / 0.1 for health < 0.3 / < 0.5 / < 0.7 / else
//	time         60 s when critical, 300 s when degrading, else none
//	type         what the component's name says, else kernel
//	confidence   0.8 / 0.6 / 0.4 for ≥ 5 / ≥ 3 / fewer flags set in the history
func Failure(q *ipc.FailureRequest, p *ipc.FailurePrediction) {
	*p = ipc.FailurePrediction{
		Probability:   failureProbability(q.HealthScore),
		PredictedTime: failureTime(q.Trend),
		Confidence:    failureConfidence(q.FailureHistory),
		Type:          FailureType(q.Component),
	}
}

func failureProbability(health float32) float32 {
	switch {
	case health < 0.3:
		return 0.9
	case health < 0.5:
		return 0.6
	case health < 0.7:
		return 0.3
	}
	return 0.1
}

func failureTime(trend int8) ipc.Optional[uint64] {
	switch trend {
	case ipc.TrendCritical:
		return ipc.Some(criticalTime)
	case ipc.TrendDegrading:
		return ipc.Some(degradingTime)
	}
	return ipc.Optional[uint64]{}
}

func failureConfidence(flags []uint8) float32 {
	set := 0
	for _, f := range flags {
		set += int(f)
	}
	switch {
	case set >= 5:
		return 0.8
	case set >= 3:
		return 0.6
	}
	return 0.4
}

// failureWords are looked for in this order; the first found decides.
var failureWords = [...]struct {
	word  string
	alone bool // must stand alone: "session-service" is no io component
	kind  uint8
}{
	{"memory", false, ipc.FailureMemory},
	{"cpu", false, ipc.FailureCPU},
	{"io", true, ipc.FailureIO},
	{"network", false, ipc.FailureNetwork},
	{"service", false, ipc.FailureService},
}

// FailureType is the type of failure that Failure predicts for a component, from its name
// alone: ipc.FailureMemory to ipc.FailureKernel.
func FailureType(component string) uint8 {
	for i := range failureWords {
		if w := &failureWords[i]; containsWord(component, w.word, w.alone) {
			return w.kind
		}
	}
	return ipc.FailureKernel
}

// containsWord looks for word in s without regard to ASCII case. With alone it
// must not touch another letter.
func containsWord(s, word string, alone bool) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		// The first letter first: this is asked five times of every question.
		if s[i]|0x20 != word[0] || !strings.EqualFold(s[i:i+len(word)], word) {
			continue
		}
		end := i + len(word)
		if !alone || (i == 0 || !letter(s[i-1])) && (end == len(s) || !letter(s[end])) {
			return true
		}
	}
	return false
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
