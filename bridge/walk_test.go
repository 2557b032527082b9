package bridge

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// walk does to a bridge, in any order, what is done to one: questions, answers good and bad,
// failures, deadlines, outcomes, other models, candidates, demotions, the kill switch.
type walk struct {
	*rig
	t    *testing.T
	dice *rand.Rand
	off  bool // the models, by the kill switch

	model, candidate string // "" for no candidate
	share            bool

	open     []*walker
	given    []ipc.Outcome // about what was answered
	sources  [len(ipc.Sources)]int
	reasons  [len(ipc.Reasons)]int
	outcomes int
}

// walker is a call, and whether models were off when it came.
type walker struct {
	*ipc.Call
	off, over bool
}

// CallDone takes the reply.
func (c *walker) CallDone(*ipc.Call) { c.over = true }

// walkSays is what each model says of every cpu.
var walkSays = map[string]float32{"m@1": 0.75, "m@2": 0.5, "c@1": 1, "": 0}

func (w *walk) one(of ...string) string { return of[w.dice.IntN(len(of))] }

func (w *walk) step() {
	switch w.dice.IntN(16) {
	default:
		w.ask()
	case 5, 6, 7, 8, 9:
		w.answer()
	case 10: // some have no time left
		for _, q := range w.lanes[0].open.chains {
			for ; q != nil; q = q.next {
				for len(q.waiting) > 0 && w.dice.IntN(3) > 0 {
					q.waiting[0].late()
				}
			}
		}
	case 11, 12:
		w.report()
	case 13:
		w.model = w.one("m@1", "m@2", "")
		w.candidate, w.share = w.one("", "c@1", "m@2"), w.dice.IntN(2) == 0
	case 14: // somebody is demoted, or trusted
		if m := w.score.of(ipc.Workload).standing.serving; m != nil {
			m.demoted = targetSet(w.dice.IntN(1 << 9))
		}
	case 15:
		if w.dice.IntN(4) == 0 || w.off {
			w.off = !w.off
			w.UseModels(!w.off)
		}
		w.lanes[0].routes[0].breaker.until = 0 // its pause is over
		w.Round(nil)
	}
}

func (w *walk) ask() {
	calls := make([]*ipc.Call, 1+w.dice.IntN(4))
	for i := range calls {
		q := workload(uint64(w.dice.IntN(30)), float32(w.dice.IntN(3))/4)
		if w.dice.IntN(2) == 0 {
			q.CPUPast = []float32{0.5}
		}
		c := &walker{off: w.off}
		c.Call = ipc.NewCall(q, c)
		c.Arrived = w.now()
		c.Deadline = c.Arrived.Add([]time.Duration{50 * time.Microsecond, time.Millisecond, patient}[w.dice.IntN(3)])
		c.RequireModel = w.dice.IntN(4) == 0
		calls[i], w.open = c.Call, append(w.open, c)
	}
	w.Round(calls)
}

// answer ends an exchange, in one way or another.
func (w *walk) answer() {
	for _, f := range w.lanes[0].routes[0].flights {
		c := f.conn.(*heldConn)
		if c.x == nil {
			continue
		}
		switch w.dice.IntN(10) {
		case 0:
			c.end(broken(w.one("read", "timeout"), true))
		case 1:
			c.end(broken("dial", false))
		case 2:
			c.end(says(http.StatusServiceUnavailable, "text/plain", "no"))
		default:
			c.end(w.say)
		}
		w.Round(nil)
		return
	}
}

// say answers as the daemon does: a candidate in the shadow, or for odd agents in its share.
func (w *walk) say(x *upstream.Exchange) {
	call, a := api.Call{Kind: ipc.Workload, Batch: true}, api.Answer{Model: w.model}
	if err := api.Msgpack.ParseCall(x.Body, &call); err != nil {
		w.t.Error(err)
	}
	a.Resize(len(call.Requests))
	for i, q := range call.Requests {
		s := &a.Slots[i]
		*s = api.Slot{Prediction: usage(walkSays[w.model])}
		if w.dice.IntN(8) == 0 {
			s.Prediction.Workload.CPU = 7
		}
		switch other := usage(walkSays[w.candidate]); {
		case w.candidate == "" || w.candidate == w.model:
		case !w.share:
			a.Beside, s.Beside, s.HasBeside = w.candidate, other, true
		case q.Subject().Agent%2 == 0:
			a.Beside = w.model
		default:
			a.Beside, s.Beside, s.HasBeside = w.model, s.Prediction, s.Prediction.Workload.CPU <= 1
			s.Prediction, s.Model = other, w.candidate
		}
	}
	x.Status, x.AnswerType, x.Answer = http.StatusOK, api.Msgpack.ContentType(), api.Msgpack.AppendAnswer(nil, &a, true)
}

// report tells outcomes: of any time, twice, of other agents, of what was never asked.
func (w *walk) report() {
	for range min(w.dice.IntN(20), len(w.given)) {
		o := w.given[w.dice.IntN(len(w.given))]
		o.Actual = usage(float32(w.dice.IntN(4)) / 4)
		if w.dice.IntN(10) == 0 {
			o.Subject.Agent++
		}
		if w.dice.IntN(10) == 0 {
			o.PredictionID += uint64(w.dice.IntN(100))
		}
		w.outcomes++
		w.Observe([]ipc.Outcome{o})
	}
}

// look takes what was answered, and says what is wrong with it.
func (w *walk) look() (fault string, of *ipc.Reply) {
	kept := w.open[:0]
	for _, c := range w.open {
		if !c.over {
			kept = append(kept, c)
			continue
		}
		w.sources[c.Reply.Source]++
		w.reasons[c.Reply.Reason]++
		if id := c.Reply.PredictionID; id != 0 {
			w.given = append(w.given, ipc.Outcome{PredictionID: id, Subject: c.Request.Subject()})
		}
		if why := c.fault(); why != "" {
			fault, of = why, &c.Reply
		}
	}
	w.open = kept
	return fault, of
}

func (c *walker) fault() string {
	r := &c.Reply
	fresh := r.Source == ipc.SourceModel || r.Source == ipc.SourceCache
	switch {
	case r.Status != ipc.StatusOK && (!c.RequireModel || r.Reason == ipc.ReasonNone || r.Source != ipc.SourceNone):
		return "no answer, or none with a reason"
	case c.off && r.Reason != ipc.ReasonSwitchedOff:
		return "models were off"
	case r.Status != ipc.StatusOK:
		return ""
	case c.RequireModel && (!fresh || r.Ruled != 0):
		return "a model was required"
	case fresh != (r.Reason == ipc.ReasonNone || r.Ruled != 0 && r.Reason == ipc.ReasonDemoted) && r.Source != ipc.SourceStale:
		return "what is not fresh has a reason, and what is has none"
	case r.Source != ipc.SourceRule && !r.Ruled.Has(ipc.TargetCPU) && r.Workload.CPU != walkSays[r.Model]:
		return "another model's answer"
	case r.Age < 0 || r.Source == ipc.SourceModel && r.Age != 0:
		return "its age"
	}
	return ""
}

// TestWhateverIsDoneToABridge: every call has one answer that says truly where it is from, and
// the counters come to what was given.
func TestWhateverIsDoneToABridge(t *testing.T) {
	var seen [len(ipc.Reasons)]int
	for seed := range uint64(100) {
		w := &walk{t: t, dice: rand.New(rand.NewPCG(seed, 1)), model: "m@1"}
		w.rig = newRig(t, Config{MaxTTL: time.Minute})
		for n := range 400 {
			w.step()
			if fault, of := w.look(); fault != "" {
				t.Fatalf("seed %d, step %d: %s: %+v", seed, n, fault, of)
			}
		}
		w.settle()
		if fault, of := w.look(); fault != "" || len(w.open) > 0 {
			t.Fatalf("seed %d, at the end: %s: %+v; %d calls have no answer", seed, fault, of, len(w.open))
		}
		w.Round(nil)
		for _, from := range ipc.Sources {
			if n := count(t, w.stats.answers[0][from]); n != w.sources[from] {
				t.Errorf("seed %d: %d answers from %v are counted, %d were given", seed, n, from, w.sources[from])
			}
		}
		for _, why := range ipc.Reasons[1:] {
			seen[why] += w.reasons[why]
			if n := count(t, w.stats.reasons[why]); n != w.reasons[why] {
				t.Errorf("seed %d: %d because %v are counted, %d were given", seed, n, why, w.reasons[why])
			}
		}
		if s := w.Scores()[0]; s.Joined+s.Duplicate+s.Late+s.Foreign+s.Unissued != uint64(w.outcomes) || s.Joined == 0 {
			t.Errorf("seed %d: %d outcomes are counted as %+v", seed, w.outcomes, s)
		}
		if l := w.lanes[0]; l.urgent != 0 || l.open.n != 0 {
			t.Errorf("seed %d: nobody waits, and %d questions are urgent, %d open", seed, l.urgent, l.open.n)
		}
	}
	for _, why := range ipc.Reasons[1:] {
		ours := why != ipc.ReasonOverloaded && why != ipc.ReasonLowConfidence && why != ipc.ReasonBridgeUnavailable && why != ipc.ReasonNotCached
		if ours && seen[why] == 0 {
			t.Errorf("nobody was told %v: the walk did not come there", why)
		}
	}
}
