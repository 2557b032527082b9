package predict

import (
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// memory serves models with the output probability: the chance of each candidate
// page to be the next. The best candidate is the answer. A model that has the output
// soon besides, the chance to be accessed within the accesses to come, names the further
// pages by it.
type memory struct{ probability, soon int }

func newMemory(m *metadata) *memory {
	m.layout(&features.Memory)
	out := &memory{m.output("probability"), m.optional("soon", 1)}
	if out.soon < 0 {
		out.soon = out.probability
	}
	return out
}

func (*memory) maxRows() int { return features.MaxPages }

func (*memory) prepare(req ipc.Request, s *slot, dst []float32) int {
	q := req.(*ipc.MemoryRequest)
	s.pages.Read(q)
	s.pages.Rows(q, dst)
	return s.pages.Len()
}

// conclude picks the likeliest next page, and the three others likeliest soon; among
// equals the first, which is the one of the earlier proposer. The page's address keeps
// the offset 0: faults come page by page, offsets inside them carry nothing.
func (m *memory) conclude(req ipc.Request, s *slot, w *worker, first int, out *ipc.Prediction) {
	q := req.(*ipc.MemoryRequest)
	chances := w.reads(m.probability, first, s.rows)
	best := 0
	for i, v := range chances {
		if unit(v) > unit(chances[best]) {
			best = i
		}
	}
	p := &out.Memory
	p.NextAddress = s.pages.Address(best)
	p.Probability = unit(chances[best])
	p.Confidence = p.Probability
	if n := len(q.AccessTypes); n > 0 {
		p.Type = q.AccessTypes[n-1] // a rule: right for 0.83 of the recorded faults
	}
	for i, v := range w.reads(m.soon, first, s.rows) {
		if i != best {
			also(p, ipc.MemoryCandidate{Address: s.pages.Address(i), Probability: unit(v)})
		}
	}
}

// also puts a further page in its place among those of p, if it is one of the best.
func also(p *ipc.MemoryPrediction, c ipc.MemoryCandidate) {
	at := p.MoreLen
	for at > 0 && p.More[at-1].Probability < c.Probability {
		at--
	}
	if at == len(p.More) {
		return
	}
	p.MoreLen = min(p.MoreLen+1, len(p.More))
	copy(p.More[at+1:p.MoreLen], p.More[at:p.MoreLen-1])
	p.More[at] = c
}
