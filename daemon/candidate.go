package daemon

import (
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// try asks a candidate what the model was asked. In the shadow its answers go beside the
// model's, for whoever learns what really happened to score them; of the subjects in its
// share its answers are given, and the model's, where there are, go beside them: to so many
// questions, instead, the model had none. What a candidate cannot answer, or not within its
// range, is as if it had not been asked, but counted.
func (w *work) try(reg *registry.Registry, m *registry.Model, c *registry.Candidate) (instead int) {
	if cap(w.beside) < len(w.asked) {
		w.beside = make([]ipc.Prediction, len(w.asked))
	}
	w.beside = w.beside[:len(w.asked)]
	clear(w.beside)
	none, err := askModel(c.Model, w.asked, w.beside)
	if err != nil {
		return 0
	}
	w.answer.Beside = c.Label
	if c.Share > 0 {
		w.answer.Beside = m.Label
	}
	next, bad := 0, badly{}
	for i := range w.answer.Slots {
		if w.call.Faults[i] != nil {
			continue
		}
		slot, p := &w.answer.Slots[i], &w.beside[next]
		mine := c.Share == 0 || inShare(w.asked[next].Subject(), c.Share)
		why := wrong(m.Kind, p, none.Of(next))
		next++
		if why != "" {
			bad.add(why)
		}
		has := slot.Status == ipc.StatusOK // the model has an answer
		switch {
		case !mine || why != "", c.Share == 0 && !has:
			continue
		case c.Share == 0:
			slot.Beside, slot.HasBeside = *p, true
			continue
		case !has:
			instead++
		}
		slot.Beside, slot.HasBeside = slot.Prediction, has
		slot.Status, slot.Error, slot.Prediction, slot.Model = ipc.StatusOK, "", *p, c.Label
	}
	bad.note(reg, c.Model)
	return instead
}

// inShare reports whether a candidate answers for the subject: the same ones each time,
// and a larger share has those of a smaller one.
func inShare(s ipc.Subject, share float64) bool {
	h := s.Hash()
	// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): agents are counted up.
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	return float64(h>>11) < share*(1<<53)
}
