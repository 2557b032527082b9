package bridge

import (
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// A target is what a model is trusted with, or not: a part of the answers to some of the
// questions. Which questions are judged apart:
//
//   - A failure's, for each type of component, as the rule tells them by name: they fail in
//     ways of their own, and a model that knows memory well may know io badly.
//   - Those that tell more, by an optional element, apart from those that do not (see
//     informed): a model that is good where it is told of an agent's longer past may be no
//     better than the rule where it is not. With one record for both whoever tells most
//     would decide for the others.
//   - Those that were answered with what the model said earlier, to another question about
//     the subject: how much that is worth follows from how fast subjects change. With one
//     record a daemon that hangs would cost its model the place, which was asked nothing.
//
// A target's number is a place in targetNames, plus their number for questions that tell
// more, or twice that for earlier answers, whatever was told; and a bit of targetSet.
type targetSet uint64

// components are the types of a failure's, in the order of rules.FailureType.
var components = [...]string{"memory", "cpu", "io", "network", "service", "other"}

// targetNames are also the label "target" of the metrics.
var targetNames = [len(ipc.Kinds)][]string{
	{"cpu", "memory", "gpu"},
	{"score", "type"},
	ofComponents("", " time", " type"),
	{"page", "type"},
}

// extras are what questions tell that tell more, by kind; also the label "with" of the
// metrics.
var extras = [len(ipc.Kinds)]string{"past", "calls", "rates", "candidates"}

// phrase is one of extras as it stands in a sentence.
func phrase(extra string) string {
	if extra == "past" {
		return "a past"
	}
	return extra
}

// maxTargets is how many the kind with the most has.
const maxTargets = 3 * 3 * len(components)

func ofComponents(parts ...string) (names []string) {
	for _, part := range parts {
		for _, c := range components {
			names = append(names, c+part)
		}
	}
	return names
}

// targetsOf is how many targets kind k has.
func targetsOf(k ipc.Kind) int { return 3 * len(targetNames[k-1]) }

// targetOf is the target of kind k's part, in the answer to a question about a component
// of that type which tells so much.
func targetOf(k ipc.Kind, part int, component uint8, informed bool) int {
	target := part
	if k == ipc.Failure {
		target = part*len(components) + int(component)
	}
	if informed {
		target += len(targetNames[k-1])
	}
	return target
}

// staleOf is the target of earlier answers that belongs to kind k's target.
func staleOf(k ipc.Kind, target int) int {
	n := len(targetNames[k-1])
	return 2*n + target%n
}

// nameOf is the name of kind k's target, and what its questions tell besides, if anything,
// or that it is about earlier answers.
func nameOf(k ipc.Kind, target int) (name, with string, stale bool) {
	names := targetNames[k-1]
	n := len(names)
	if target >= n && target < 2*n {
		with = extras[k-1]
	}
	return names[target%n], with, target >= 2*n
}

// componentOf is the type of component that q is about; 0 for questions about agents.
func componentOf(q ipc.Request) uint8 {
	if f, ok := q.(*ipc.FailureRequest); ok {
		return rules.FailureType(f.Component)
	}
	return 0
}

// informed are the parts of the answer to q that q tells more about than it has to, by
// their bits. What counts is that the element is there, whatever the model makes of it. A
// workload tells of each signal's past by itself.
func informed(q ipc.Request) (parts ipc.Targets) {
	more := false
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		if len(q.CPUPast) > 0 {
			parts |= ipc.TargetCPU
		}
		if len(q.MemoryPast) > 0 {
			parts |= ipc.TargetMemory
		}
		if len(q.GPUPast) > 0 {
			parts |= ipc.TargetGPU
		}
		return parts
	case *ipc.ThreatRequest:
		more = len(q.SyscallFeatures) > 0
	case *ipc.FailureRequest:
		more = len(q.FailureRates) > 0
	case *ipc.MemoryRequest:
		more = len(q.Candidates) > 0
	}
	if more {
		return everyValue
	}
	return 0
}

// asked are the targets that an answer to q has, and those of them without which nothing is
// left of a model's answer: a workload's all, of others the first.
func asked(q ipc.Request) (all, deciding targetSet) {
	k, component, told := q.Kind(), componentOf(q), informed(q)
	w, ok := q.(*ipc.WorkloadRequest)
	for i, part := range partsOf(k) {
		if ok && !w.Targets().Has(part.bit) {
			continue
		}
		all |= 1 << targetOf(k, i, component, told.Has(part.bit))
	}
	if ok {
		return all, all
	}
	return all, 1 << targetOf(k, 0, component, told.Has(answer))
}

// decides reports whether something is left of a model's answer, for some question, by the
// target of that name of kind k.
func decides(k ipc.Kind, name string) bool {
	n := 1
	switch k {
	case ipc.Workload:
		n = len(targetNames[k-1])
	case ipc.Failure:
		n = len(components)
	}
	return slices.Contains(targetNames[k-1][:n], name)
}
