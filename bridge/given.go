package bridge

import "github.com/mlbridge/mlbridge/ipc"

// given are the last predictions of one kind that were delivered. Kinds have one each:
// what becomes of a component is known in minutes or days, and a memory manager that asks
// all the time would have displaced its predictions long before.
type given struct {
	ring  []remembered // by place
	first uint64       // ids are above it
	last  uint64       // id of the latest
}

// remembered is what is needed to judge one prediction later: 64 bytes.
type remembered struct {
	id      uint64
	subject uint64  // hash of the subject: an outcome must be about the same one
	said    values  // what the model, or the rule, answered; the actual values once they are known
	rule    values  // what the rule would have said
	other   values  // what was answered besides, and not delivered
	unit    float32 // bytes that memory is in
	by      uint16  // the standing of who said it, 0 for the rule
	otherBy uint16
	joined  bool        // its outcome came
	stale   bool        // what is judged of it was said earlier, to another question about the subject
	ruled   ipc.Targets // of said, what the rule gave in its place
	told    ipc.Targets // what the question told more about
}

const (
	// rememberedPredictions bounds how late an outcome may come: where 10,000 of its
	// kind are given a second, 13 seconds; where one is, a day and a half.
	rememberedPredictions = 1 << 17
	// idStep is how far apart the ids of a kind are: kinds take turns, so that no two
	// predictions have the same.
	idStep = uint64(len(ipc.Kinds))
)

// init begins with predictions of kind k whose ids count on from first.
func (g *given) init(k ipc.Kind, first uint64) {
	g.ring = make([]remembered, rememberedPredictions)
	g.first = first - first%idStep + uint64(k-1)
	g.last = g.first
}

// next gives the id of the next prediction.
func (g *given) next() uint64 {
	g.last += idStep
	return g.last
}

// place is where the prediction of that id is, or was, or another's where it never was.
func (g *given) place(id uint64) *remembered {
	return &g.ring[id/idStep%rememberedPredictions]
}

// issued reports whether a prediction of that id was given, by this bridge since it started.
func (g *given) issued(id uint64) bool {
	return g.first < id && id <= g.last && id%idStep == g.first%idStep
}

// forgotten reports whether the prediction of that id, which was issued, has been displaced.
func (g *given) forgotten(id uint64) bool {
	return g.last-id >= rememberedPredictions*idStep
}

// target is that of kind k's part, whose bit it is, in an answer to e's question.
func (e *remembered) target(k ipc.Kind, part int, bit ipc.Targets) int {
	component := uint8(0)
	if k == ipc.Failure {
		component = uint8(e.rule[2]) // what the rule says is the component's own type
	}
	return targetOf(k, part, component, e.told.Has(bit))
}
