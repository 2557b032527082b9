package predict

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// ErrTrial is what a model fails a trial with; ErrSlow comes with it where all that is wrong
// is the time that the model takes.
var (
	ErrTrial = errors.New("fails its trial")
	ErrSlow  = errors.New("too slow")
)

// Trial is what trying a model on recorded questions showed.
type Trial struct {
	Questions int
	Single    time.Duration // median time of one question alone, the best of several rounds
	PerItem   time.Duration // of a question in a batch of all, likewise
}

// rounds is how often a trial times each question: a machine that is busy with other
// things must not make a model look slow.
const rounds = 5

// patience is how long a trial goes on: a model that is fast enough needs a hundredth of it,
// and one that is not must not keep others waiting until that is measured well.
const patience = 5 * time.Second

// farOff is how far outside [0, 1] a number that stands for a share or a probability may
// be before the model must mean something else by it, percent for instance.
const farOff = 0.5

// Try asks the model the questions, one by one and together. Every number that it gives
// must be finite, and one that stands for a share or probability near [0, 1]: answers
// are cut to their range, which would hide both. The error wraps ErrTrial and says what
// was wrong with which question.
func (p *Predictor) Try(reqs []ipc.Request) (t Trial, err error) {
	defer func() {
		if r := recover(); r != nil { // a model file is data from outside
			err = fmt.Errorf("%w: panic: %v", ErrTrial, r)
		}
	}()
	t.Questions = len(reqs)
	started := ipc.Now()
	late := func() bool { return ipc.Now().Sub(started) > patience }
	w := p.worker()
	out := make([]ipc.Prediction, len(reqs))
	took := make([]time.Duration, 0, len(reqs))
	for i := range reqs {
		began := ipc.Now()
		if _, err := p.chunk(w, reqs[i:i+1], out[:1]); err != nil {
			return t, fmt.Errorf("%w: question %d: %w", ErrTrial, i, err)
		}
		took = append(took, ipc.Now().Sub(began))
		if err := p.raw(w); err != nil {
			return t, fmt.Errorf("%w: question %d: %w", ErrTrial, i, err)
		}
		if err := out[0].Validate(); err != nil {
			return t, fmt.Errorf("%w: question %d: %w", ErrTrial, i, err)
		}
		// A machine that stood still for a while is no slow model.
		if one := median(took); late() && len(took) > 2 && one > patience/time.Duration(len(reqs)) {
			return t, fmt.Errorf("%w: %w: %v for one question", ErrTrial, ErrSlow, one)
		}
	}
	p.release(w)
	for range rounds {
		took = took[:0]
		for i := range reqs {
			began := ipc.Now()
			if err := p.Predict(reqs[i:i+1], out[:1]); err != nil {
				return t, fmt.Errorf("%w: %w", ErrTrial, err)
			}
			if took = append(took, ipc.Now().Sub(began)); late() {
				break
			}
		}
		t.Single = least(t.Single, median(took))
		began := ipc.Now()
		if err := p.Predict(reqs, out); err != nil {
			return t, fmt.Errorf("%w: %w", ErrTrial, err)
		}
		if t.PerItem = least(t.PerItem, ipc.Now().Sub(began)/time.Duration(len(reqs))); late() {
			break
		}
	}
	return t, nil
}

// median is of at least one.
func median(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[len(sorted)/2]
}

// least is the smaller one; 0 is none yet.
func least(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// raw looks at the numbers of w's last run before they were cut to their ranges.
func (p *Predictor) raw(w *worker) error {
	for i, o := range p.model.Outputs() {
		for at, v := range w.session.Output(i) {
			if v-v != 0 {
				return fmt.Errorf("output %s gives %v", p.nameOf(i, at%o.Width, o.Name), v)
			}
			if name := p.nameOf(i, at%o.Width, o.Name); shares[name] && (v < -farOff || v > 1+farOff) {
				return fmt.Errorf("output %s gives %v, want a number in [0, 1]", name, v)
			}
		}
	}
	return nil
}

// nameOf is what a number of an output stands for.
func (p *Predictor) nameOf(output, at int, fallback string) string {
	for name, c := range p.columns {
		if c.output == output && c.at == at && c.width > 0 {
			return name
		}
	}
	return fallback
}

// shares are the outputs that stand for shares and probabilities.
var shares = map[string]bool{
	"predicted_cpu": true, "predicted_gpu": true, "confidence": true, "probability": true,
	"threat_score": true, "failure_probability": true, "access_probability": true,
}
