package ipc

import "fmt"

// Kind names one of the four predictions. Its number is its number on the wire
// (PROTOCOL.md, "Predictions").
type Kind uint8

// The four kinds of prediction. Zero is no kind: a forgotten field is an error,
// never a workload.
const (
	Workload Kind = 1 // next-interval cpu, memory and gpu of an agent (scheduler)
	Threat   Kind = 2 // threat score and type of an agent (security)
	Failure  Kind = 3 // failure probability of a component (healing)
	Memory   Kind = 4 // next page an agent touches (memory manager)
)

// Kinds lists every kind in wire order, for tables and loops.
var Kinds = [...]Kind{Workload, Threat, Failure, Memory}

var kindNames = [...]string{"", "workload", "threat", "failure", "memory"}

// Valid reports whether k is one of the four kinds.
func (k Kind) Valid() bool { return k >= Workload && k <= Memory }

// String gives the name used in URLs, metrics and reports.
func (k Kind) String() string {
	if k.Valid() {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind turns a name such as "workload" into its Kind.
func ParseKind(name string) (Kind, error) {
	for _, k := range Kinds {
		if kindNames[k] == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("ipc: unknown kind %q (want workload, threat, failure or memory)", name)
}

// Subject is whom a question is about: an agent for workload, threat and memory,
// a component for failure. It is comparable, so it can be a map key.
type Subject struct {
	Agent     uint64
	Component string
}

// Hash is FNV-1a (RFC 9923) over the component, or the agent itself: the same in every
// process and release, and no defence against who chooses names.
func (s Subject) Hash() uint64 {
	if s.Component == "" {
		return s.Agent
	}
	h := uint64(14695981039346656037)
	for i := range len(s.Component) {
		h = (h ^ uint64(s.Component[i])) * 1099511628211
	}
	return h
}

// String gives the component's name, or the agent as "agent-<n>".
func (s Subject) String() string {
	if s.Component != "" {
		return s.Component
	}
	return fmt.Sprintf("agent-%d", s.Agent)
}
