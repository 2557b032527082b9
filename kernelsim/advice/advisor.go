package advice

import (
	"context"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Advice is the answer to one question.
type Advice struct {
	// Model is the model's own answer, whatever its confidence; valid when FromModel.
	Model     ipc.Prediction
	FromModel bool
	// Ruled are the values of Model that are the rule's, for which the model is demoted.
	Ruled ipc.Targets
	// PredictionID keys the outcome; 0 when the bridge has no use for one. Of a
	// demoted model's questions the bridge wants it all the same, to judge its tries.
	PredictionID uint64

	Rule ipc.Prediction // what the rule says to the same question
	// Act is what to act on: Model when it is there and sure enough, else Rule.
	Act     ipc.Prediction
	ByModel bool // Act is Model
}

// Config says how an Advisor asks.
type Config struct {
	Kind ipc.Kind
	// Predictor reaches the bridge; nil means that there is none and rules decide.
	Predictor ipc.Predictor
	// Threshold is the confidence below which the rule is preferred.
	Threshold float32
	Budget    time.Duration // per question or batch of them; 0 is the server's default
	Pool      *Pool         // keeps copies of questions for the load phase; may be nil
}

// Advisor asks on behalf of one subsystem. Ask and Report belong to one goroutine;
// Counts may be called from any.
type Advisor struct {
	cfg      Config
	replies  []ipc.Reply
	again    []ipc.Request // of the replies, those that a demoted model left open
	asker    []int         // their places
	ruled    []ipc.Reply
	outcomes []ipc.Outcome

	mu     sync.Mutex // guards counts
	counts Counts
}

// Counts is how an Advisor's questions were answered.
type Counts struct {
	Asked   uint64
	Model   uint64 // acted on the model
	Unsure  uint64 // the model answered below the threshold: acted on the rule
	Absent  uint64 // no model answered: acted on the rule
	Partly  uint64 // of those acted on the model: the rule gave some of the values
	Reports uint64 // outcomes reported back
	InTime  uint64 // decided within the budget, by whoever
	// Why says how often which reason kept the model's answer away.
	Why map[string]uint64
	// Latency is of the calls, in ns, a batch counting once.
	Latency *hdrhistogram.Histogram
}

const (
	maxWhy   = 8
	otherWhy = "other"
	// maxBatch is how many questions go into one call; every server takes that many.
	maxBatch = 64
	// maxOutcomes is how many outcomes wait before they are sent.
	maxOutcomes = 64
)

// New makes an advisor.
func New(cfg Config) *Advisor {
	a := &Advisor{cfg: cfg, replies: make([]ipc.Reply, maxBatch), ruled: make([]ipc.Reply, maxBatch)}
	a.counts.Why = make(map[string]uint64)
	a.counts.Latency = newHistogram()
	return a
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute), 3)
}

// Ask answers reqs[i] in out[i]; it always does. The error is the context's.
func (a *Advisor) Ask(ctx context.Context, reqs []ipc.Request, out []Advice) error {
	for len(reqs) > 0 {
		n := min(len(reqs), maxBatch)
		if err := a.ask(ctx, reqs[:n], out[:n]); err != nil {
			return err
		}
		reqs, out = reqs[n:], out[n:]
	}
	return nil
}

func (a *Advisor) ask(ctx context.Context, reqs []ipc.Request, out []Advice) error {
	replies := a.replies[:len(reqs)]
	clear(replies)
	for i, q := range reqs {
		out[i] = Advice{}
		rules.Predict(q, &out[i].Rule)
		if a.cfg.Pool != nil {
			a.cfg.Pool.Offer(q)
		}
	}
	began := ipc.Now()
	why := "no bridge"
	if a.cfg.Predictor != nil {
		why = ""
		if err := a.cfg.Predictor.Predict(ctx, reqs, replies, ipc.Options{Budget: a.cfg.Budget, RequireModel: true}); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			why = "no connection to the bridge"
		} else if err := a.askAgain(ctx, reqs, out); err != nil {
			return err
		}
	}
	took := ipc.Now().Sub(began)

	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cfg.Budget == 0 || took <= a.cfg.Budget {
		a.counts.InTime += uint64(len(reqs))
	}
	_ = a.counts.Latency.RecordValue(min(int64(took), int64(time.Minute)))
	for i := range out {
		a.decide(&replies[i], &out[i], why)
	}
	return nil
}

// askAgain asks for whatever answer there is where a demoted model was insisted on. It may
// be demoted for a part of what was asked, and then the others are its own; or it has won
// its place back meanwhile, and then all of it is. Else the rule's is known here; what is
// wanted is its number, so that the outcome reaches the bridge, which may have tried the
// model on the question behind the caller's back.
func (a *Advisor) askAgain(ctx context.Context, reqs []ipc.Request, out []Advice) error {
	a.again, a.asker = a.again[:0], a.asker[:0]
	for i := range reqs {
		if r := &a.replies[i]; r.Status != ipc.StatusOK && r.Reason == ipc.ReasonDemoted {
			a.again, a.asker = append(a.again, reqs[i]), append(a.asker, i)
		}
	}
	if len(a.again) == 0 {
		return nil
	}
	replies := a.ruled[:len(a.again)]
	clear(replies)
	if a.cfg.Predictor.Predict(ctx, a.again, replies, ipc.Options{Budget: a.cfg.Budget}) != nil {
		return ctx.Err()
	}
	for i, at := range a.asker {
		if r := &replies[i]; r.Status == ipc.StatusOK {
			if out[at].PredictionID = r.PredictionID; fromModel(r) {
				a.replies[at] = *r
			}
		}
	}
	return nil
}

// decide chooses between model and rule. a.mu is held.
func (a *Advisor) decide(r *ipc.Reply, out *Advice, why string) {
	a.counts.Asked++
	out.Act = out.Rule
	if why != "" || r.Status != ipc.StatusOK || !fromModel(r) {
		a.counts.Absent++
		if why == "" {
			why = reasonOf(r)
		}
		if _, known := a.counts.Why[why]; !known && len(a.counts.Why) >= maxWhy {
			why = otherWhy
		}
		a.counts.Why[why]++
		return
	}
	out.Model, out.PredictionID, out.FromModel, out.Ruled = r.Prediction, r.PredictionID, true, r.Ruled
	if out.Model.Confidence() < a.cfg.Threshold {
		a.counts.Unsure++
		return
	}
	out.Act, out.ByModel = out.Model, true
	if a.counts.Model++; out.Ruled != 0 {
		a.counts.Partly++
	}
}

func fromModel(r *ipc.Reply) bool {
	return r.Source == ipc.SourceModel || r.Source == ipc.SourceCache
}

func reasonOf(r *ipc.Reply) string {
	if r.Reason != ipc.ReasonNone {
		return r.Reason.String()
	}
	if r.Status != ipc.StatusOK {
		return r.Status.String()
	}
	return "answered by " + r.Source.String()
}

// Report tells the bridge what has just been seen to come after an answer that it wants
// judged. Outcomes are sent in batches; Flush sends the rest.
func (a *Advisor) Report(ctx context.Context, adv *Advice, subject ipc.Subject, actual ipc.Prediction) {
	if adv.PredictionID == 0 || a.cfg.Predictor == nil {
		return
	}
	a.outcomes = append(a.outcomes, ipc.Outcome{
		PredictionID: adv.PredictionID, Subject: subject, Actual: actual,
	})
	if len(a.outcomes) >= maxOutcomes {
		a.Flush(ctx)
	}
}

// Flush sends the outcomes that wait. A bridge that is gone loses them: they are
// about answers of its own.
func (a *Advisor) Flush(ctx context.Context) {
	if len(a.outcomes) == 0 {
		return
	}
	if a.cfg.Predictor.Outcomes(ctx, a.outcomes) == nil {
		a.mu.Lock()
		a.counts.Reports += uint64(len(a.outcomes))
		a.mu.Unlock()
	}
	clear(a.outcomes)
	a.outcomes = a.outcomes[:0]
}

// Counts gives a copy of how things stand.
func (a *Advisor) Counts() Counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.counts
	c.Why = make(map[string]uint64, len(a.counts.Why))
	for why, n := range a.counts.Why {
		c.Why[why] = n
	}
	c.Latency = newHistogram()
	c.Latency.Merge(a.counts.Latency)
	return c
}
