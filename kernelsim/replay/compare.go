package replay

import (
	"bytes"
	"math"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/record"
)

// Comparison says how far two sides' answers agree, slot by slot.
type Comparison struct {
	A, B  string // the sides' names
	Kinds []KindComparison
}

// KindComparison is about the slots of one kind.
type KindComparison struct {
	Kind  string `json:"kind"`
	Slots int    `json:"slots"`
	// OnlyA and OnlyB were answered by one side alone, Neither by none.
	OnlyA   int `json:"only_a"`
	OnlyB   int `json:"only_b"`
	Neither int `json:"neither"`
	// Alike were answered on both sides by the model itself, or on both by the rule. Of
	// them, Identical have the same values to the last bit.
	Alike     int `json:"alike"`
	Identical int `json:"identical"`
	// Otherwise were answered on both sides in some other way: from a cache, which rounds
	// questions, by a stale answer to another question, or by model and rule, each or
	// together. Their
	// difference says nothing about models.
	Otherwise int `json:"otherwise"`
	// MeanDifference and MaxDifference, over those alike, are of what the kind is about:
	// the predicted cpu share, the threat score, the failure probability; for memory 1
	// where the address is another one, so that the mean is the share of those.
	MeanDifference float64 `json:"mean_difference"`
	MaxDifference  float64 `json:"max_difference"`
	// Models by side, those that answered.
	ModelsA []string `json:"models_a"`
	ModelsB []string `json:"models_b"`
}

// Differs reports whether a question got another value from the model on either side, or
// from the rule on either.
func (c *Comparison) Differs() bool {
	for _, k := range c.Kinds {
		if k.Identical != k.Alike {
			return true
		}
	}
	return false
}

// Compare sets two sides' replies to the same calls side by side.
func Compare(nameA string, a [][]ipc.Reply, nameB string, b [][]ipc.Reply, calls []record.Call) *Comparison {
	out := &Comparison{A: nameA, B: nameB}
	var kinds [len(ipc.Kinds) + 1]KindComparison
	for i := range calls {
		m, err := ipc.ParsePredict(calls[i].Question)
		if err != nil {
			continue // record.Load has read it before
		}
		for slot, q := range m.Requests {
			if q != nil {
				kinds[q.Kind()].add(reply(a[i], slot), reply(b[i], slot))
			}
		}
	}
	for _, k := range ipc.Kinds {
		if c := &kinds[k]; c.Slots > 0 {
			c.Kind = k.String()
			if c.Alike > 0 {
				c.MeanDifference /= float64(c.Alike)
			}
			out.Kinds = append(out.Kinds, *c)
		}
	}
	return out
}

// Recorded gives the replies that a recording has, by call.
func Recorded(calls []record.Call) [][]ipc.Reply {
	out := make([][]ipc.Reply, len(calls))
	for i := range calls {
		if calls[i].Answer == nil {
			continue
		}
		if m, err := ipc.ParseReply(calls[i].Answer); err == nil && m.Refused == nil {
			out[i] = m.Replies
		}
	}
	return out
}

// reply gives a slot's answer, nil when it has none.
func reply(replies []ipc.Reply, slot int) *ipc.Reply {
	if slot >= len(replies) {
		return nil
	}
	r := &replies[slot]
	if r.Status != ipc.StatusOK || !r.Kind.Valid() {
		return nil
	}
	return r
}

func (k *KindComparison) add(a, b *ipc.Reply) {
	k.Slots++
	switch {
	case a == nil && b == nil:
		k.Neither++
		return
	case b == nil:
		k.OnlyA++
		return
	case a == nil:
		k.OnlyB++
		return
	}
	noteModel(&k.ModelsA, a)
	noteModel(&k.ModelsB, b)
	if a.Ruled != 0 || b.Ruled != 0 || a.Source != b.Source || a.Source != ipc.SourceModel && a.Source != ipc.SourceRule {
		k.Otherwise++
		return
	}
	k.Alike++
	if bytes.Equal(ipc.AppendPrediction(nil, &a.Prediction), ipc.AppendPrediction(nil, &b.Prediction)) {
		k.Identical++
		return
	}
	d := difference(&a.Prediction, &b.Prediction)
	k.MeanDifference += d // a sum, until Compare divides it
	k.MaxDifference = max(k.MaxDifference, d)
}

// maxModels bounds the list of a side's models; a bridge has few at a time.
const maxModels = 8

func noteModel(models *[]string, r *ipc.Reply) {
	for _, m := range *models {
		if m == r.Model {
			return
		}
	}
	if len(*models) < maxModels {
		*models = append(*models, r.Model)
	}
}

func difference(a, b *ipc.Prediction) float64 {
	switch a.Kind {
	case ipc.Workload:
		return math.Abs(float64(a.Workload.CPU) - float64(b.Workload.CPU))
	case ipc.Threat:
		return math.Abs(float64(a.Threat.Score) - float64(b.Threat.Score))
	case ipc.Failure:
		return math.Abs(float64(a.Failure.Probability) - float64(b.Failure.Probability))
	}
	if a.Memory.NextAddress != b.Memory.NextAddress {
		return 1
	}
	return 0
}
