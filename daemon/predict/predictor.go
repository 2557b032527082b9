package predict

import (
	"fmt"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// Predictor answers requests of one kind with one model.
type Predictor struct {
	kind    ipc.Kind
	name    string
	version string
	model   *engine.Model
	family  family
	columns map[string]column // by name, where the file or the manifest names them
	idle    chan *worker
}

// family is what differs between the kinds.
type family interface {
	// maxRows is the largest number of rows a request can have.
	maxRows() int
	// prepare writes q's rows and whatever conclude needs about them.
	prepare(q ipc.Request, s *slot, dst []float32) (rows int)
	// conclude turns the outputs of q's rows, the first of which is row first,
	// into a prediction.
	conclude(q ipc.Request, s *slot, w *worker, first int, out *ipc.Prediction)
}

// maxIdle bounds the sessions kept between calls. More calls than that at the
// same time are served by sessions that are dropped afterwards.
const maxIdle = 16

// chunkRows is how many rows one run of the engine gets at most (more when a
// single request has more): enough to amortise the call, few enough for the
// rows to stay in the second-level cache.
const chunkRows = 256

// New checks that m is a model for kind, fitted on the features this binary
// computes, and wraps it. The error says which of these fails. What the file does not
// say about itself may be said beside it; where both speak they must agree.
func New(kind ipc.Kind, m *engine.Model, beside map[string]string) (*Predictor, error) {
	meta := newMetadata(m)
	meta.add(beside)
	p := &Predictor{kind: kind, model: m, idle: make(chan *worker, maxIdle)}
	p.name, p.version = meta.text("name"), meta.text("version")
	p.columns = meta.named()
	switch {
	case !kind.Valid():
		return nil, fmt.Errorf("predict: no predictor for %v", kind)
	case meta.values["features"] == features.FieldsVersion:
		p.family = newPlain(kind, meta)
	default:
		p.family = newShipped(kind, meta)
	}
	if len(p.name)+1+len(p.version) > ipc.MaxModelBytes {
		meta.failf("name and version are longer than %d bytes", ipc.MaxModelBytes-1)
	}
	if meta.err != nil {
		return nil, fmt.Errorf("predict: %v model: %w", kind, meta.err)
	}
	return p, nil
}

// newShipped gives the family of kind k for a model on this program's own features.
func newShipped(k ipc.Kind, m *metadata) family {
	switch k {
	case ipc.Workload:
		return newWorkload(m)
	case ipc.Threat:
		return newThreat(m)
	case ipc.Failure:
		return newFailure(m)
	}
	return newMemory(m)
}

// Kind is the kind of requests that Predict takes.
func (p *Predictor) Kind() ipc.Kind { return p.kind }

// Name is the model's name, such as "workload-trees".
func (p *Predictor) Name() string { return p.name }

// Version is the model's version, such as "2026.11.23".
func (p *Predictor) Version() string { return p.version }

// Predict answers reqs[i] in out[i]. All requests must be of the predictor's
// kind and pass their Validate (what does not is the caller's to refuse). An
// *InvalidError says which of them the model answered with what is no number:
// their places in out have no kind. Any other error is about the call as a whole,
// and then out is not to be used.
func (p *Predictor) Predict(reqs []ipc.Request, out []ipc.Prediction) error {
	if len(reqs) != len(out) {
		return fmt.Errorf("predict: %d requests, room for %d predictions", len(reqs), len(out))
	}
	for i, q := range reqs {
		if q.Kind() != p.kind {
			return fmt.Errorf("predict: request %d is a %v, the model is for %v", i, q.Kind(), p.kind)
		}
	}
	w := p.worker()
	defer p.release(w)
	var faults []Fault
	for done := 0; done < len(reqs); {
		n, err := p.chunk(w, reqs[done:], out[done:])
		if err != nil {
			return fmt.Errorf("predict: %w", err)
		}
		for i := range n {
			if none := w.slots[i].none; none.found {
				faults = append(faults, p.fault(done+i, none))
			}
		}
		done += n
	}
	if len(faults) > 0 {
		return &InvalidError{faults}
	}
	return nil
}

// chunk answers as many requests as one run of the engine takes.
func (p *Predictor) chunk(w *worker, reqs []ipc.Request, out []ipc.Prediction) (int, error) {
	width, rows, n := p.model.Inputs(), 0, 0
	for n < min(len(reqs), len(w.slots)) && rows+p.family.maxRows() <= w.max {
		s := &w.slots[n]
		s.rows = p.family.prepare(reqs[n], s, w.input[rows*width:])
		rows += s.rows
		n++
	}
	if err := w.session.Run(w.input[:rows*width], rows); err != nil {
		return 0, err
	}
	first := 0
	for i := range n {
		s := &w.slots[i]
		out[i], w.none = ipc.Prediction{Kind: p.kind}, none{}
		p.family.conclude(reqs[i], s, w, first, &out[i])
		if s.none = w.none; s.none.found {
			out[i] = ipc.Prediction{}
		}
		first += s.rows
	}
	return n, nil
}
