package chaos

import (
	"fmt"
	"math/rand/v2"

	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Oracle has questions and knows what may be answered to each.
type Oracle struct {
	known []known
}

// known is a question with its right answers, as wire bytes: equal bytes are equal values.
type known struct {
	question    ipc.Request
	inputs      uint64 // of its cache key
	model, rule string
	siblings    []int // questions about the same subject, itself included
}

// variants is how many questions there are about a subject.
const variants = 4

// NewOracle makes questions about so many subjects of each kind, and answers them with
// the built-in models.
func NewOracle(seed uint64, subjects int) (*Oracle, error) {
	reg := registry.New(registry.Embedded())
	if err := reg.Reload(); err != nil {
		return nil, err
	}
	o := new(Oracle)
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, k := range ipc.Kinds {
		engine := daemon.NewHosted(k, reg)
		for s := range subjects {
			var family []int
			for range variants {
				q := randomRequest(rng, k, uint64(s)+1)
				model, err := predictionOf(engine, q)
				if err != nil {
					return nil, fmt.Errorf("oracle: %v: %w", k, err)
				}
				var rule ipc.Prediction
				rules.Predict(q, &rule)
				family = append(family, len(o.known))
				o.known = append(o.known, known{
					question: q, inputs: cachekey.Inputs(q), model: bytesOf(model), rule: bytesOf(&rule),
				})
			}
			for _, i := range family {
				o.known[i].siblings = family
			}
		}
	}
	// The kinds take turns, and so do the subjects: like calls are far apart.
	rng.Shuffle(len(o.known), func(i, j int) { o.swap(i, j) })
	return o, nil
}

// swap exchanges two questions and keeps their families right.
func (o *Oracle) swap(i, j int) {
	if i == j {
		return
	}
	rename := func(family []int, from, to int) {
		for k := range family {
			if family[k] == from {
				family[k] = to
			}
		}
	}
	a, b := o.known[i].siblings, o.known[j].siblings
	rename(a, i, -1)
	rename(b, j, i)
	rename(a, -1, j)
	o.known[i], o.known[j] = o.known[j], o.known[i]
}

func predictionOf(engine *daemon.Hosted, q ipc.Request) (*ipc.Prediction, error) {
	out, err := engine.Answer(api.Msgpack.AppendCall(nil, q.Kind(), []ipc.Request{q}, true))
	if err != nil {
		return nil, err
	}
	var a api.Answer
	if err := api.Msgpack.ParseAnswer(out, q.Kind(), true, 1, &a); err != nil {
		return nil, err
	}
	if a.Slots[0].Status != ipc.StatusOK {
		return nil, fmt.Errorf("%v: %s", a.Slots[0].Status, a.Slots[0].Error)
	}
	return &a.Slots[0].Prediction, nil
}

func bytesOf(p *ipc.Prediction) string { return string(ipc.AppendPrediction(nil, p)) }

// Question gives question n of a sequence that begins anew after all.
func (o *Oracle) Question(n uint64) (i int, q ipc.Request) {
	i = int(n % uint64(len(o.known)))
	return i, o.known[i].question
}

// Wrong says what is wrong with the answer to question i; "" when nothing is.
func (o *Oracle) Wrong(i int, r *ipc.Reply) string {
	k := &o.known[i]
	if r.Status != ipc.StatusOK {
		return ""
	}
	got := bytesOf(&r.Prediction)
	right := false
	switch r.Source {
	case ipc.SourceModel:
		right = got == k.model
	case ipc.SourceRule:
		right = got == k.rule
	case ipc.SourceCache: // the cache rounds: another question may be the same to it
		for _, s := range k.siblings {
			right = right || o.known[s].inputs == k.inputs && got == o.known[s].model
		}
	case ipc.SourceStale:
		for _, s := range k.siblings {
			right = right || got == o.known[s].model
		}
	}
	if right {
		return ""
	}
	return fmt.Sprintf("%v question %d got %+v from the %v (%s)", k.question.Kind(), i, r.Prediction, r.Source, r.Model)
}
