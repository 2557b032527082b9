package predict

import (
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// memory serves models with one output, probability: the chance of each
// candidate page to be the next. The best candidate is the answer.
type memory struct{ probability int }

func newMemory(m *metadata) *memory {
	m.layout(&features.Memory)
	return &memory{m.output("probability")}
}

func (*memory) maxRows() int { return features.MaxPages }

func (*memory) prepare(req ipc.Request, s *slot, dst []float32) int {
	q := req.(*ipc.MemoryRequest)
	s.pages.Read(q)
	s.pages.Rows(q, dst)
	return s.pages.Len()
}

// conclude picks the best four candidates; among equals the first, which is the
// one of the earlier proposer. The page's address keeps the offset 0: faults
// come page by page, offsets inside them carry nothing.
func (m *memory) conclude(req ipc.Request, s *slot, w *worker, first int, out *ipc.Prediction) {
	q := req.(*ipc.MemoryRequest)
	chances := w.session.Output(m.probability)[first : first+s.rows]
	var best [1 + ipc.MaxMore]int
	found := 0
	for i, v := range chances {
		at := found
		for at > 0 && unit(chances[best[at-1]]) < unit(v) {
			at--
		}
		if at == len(best) {
			continue
		}
		found = min(found+1, len(best))
		copy(best[at+1:found], best[at:found-1])
		best[at] = i
	}
	p := &out.Memory
	p.NextAddress = s.pages.Address(best[0])
	p.Probability = unit(chances[best[0]])
	p.Confidence = p.Probability
	if n := len(q.AccessTypes); n > 0 {
		p.Type = q.AccessTypes[n-1] // a rule: right for 0.83 of the recorded faults
	}
	p.MoreLen = found - 1
	for i, c := range best[1:found] {
		p.More[i] = ipc.MemoryCandidate{Address: s.pages.Address(c), Probability: unit(chances[c])}
	}
}
