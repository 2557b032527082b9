package bridge

import (
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// A target is what a model is trusted with, or not: a part of the answers to some of the
// questions. A failure's parts are judged apart for each type of component, as the rule tells
// them by name: they fail in ways of their own, and a model that knows memory well may know
// io badly. Of the other kinds a part is a target. Its number is a place in targetNames and
// a bit of targetSet.
type targetSet uint32

// components are the types of a failure's, in the order of rules.FailureType.
var components = [...]string{"memory", "cpu", "io", "network", "service", "other"}

// targetNames are also the label "target" of the metrics.
var targetNames = [len(ipc.Kinds)][]string{
	{"cpu", "memory", "gpu"},
	{"score", "type"},
	ofComponents("", " time", " type"),
	{"page", "type"},
}

// maxTargets is how many the kind with the most has.
const maxTargets = 3 * len(components)

func ofComponents(parts ...string) (names []string) {
	for _, part := range parts {
		for _, c := range components {
			names = append(names, c+part)
		}
	}
	return names
}

// targetsOf is how many targets kind k has.
func targetsOf(k ipc.Kind) int { return len(targetNames[k-1]) }

// targetOf is the target of kind k's part, in the answer to a question about a component
// of that type.
func targetOf(k ipc.Kind, part int, component uint8) int {
	if k == ipc.Failure {
		return part*len(components) + int(component)
	}
	return part
}

// componentOf is the type of component that q is about; 0 for questions about agents.
func componentOf(q ipc.Request) uint8 {
	if f, ok := q.(*ipc.FailureRequest); ok {
		return rules.FailureType(f.Component)
	}
	return 0
}

// asked are the targets that an answer to q has, and those of them without which nothing is
// left of a model's answer: a workload's all, of others the first.
func asked(q ipc.Request) (all, deciding targetSet) {
	if w, ok := q.(*ipc.WorkloadRequest); ok {
		all = targetSet(w.Targets()) // the same bits
		return all, all
	}
	k, component := q.Kind(), componentOf(q)
	for i := range partsOf(k) {
		all |= 1 << targetOf(k, i, component)
	}
	return all, 1 << targetOf(k, 0, component)
}

// deciding are all of kind k's targets that decide, for some question, whether anything is
// left of a model's answer.
func deciding(k ipc.Kind) targetSet {
	n := 1
	switch k {
	case ipc.Workload:
		n = targetsOf(k)
	case ipc.Failure:
		n = len(components)
	}
	return 1<<n - 1
}
