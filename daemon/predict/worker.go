package predict

import (
	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/features"
)

// worker is the memory of one call.
type worker struct {
	session *engine.Session
	input   []float32 // max rows
	max     int
	slots   []slot
	none    none // of the request that is concluded
}

// slot is what prepare leaves for conclude about one request, and conclude for the caller.
type slot struct {
	rows  int
	units [signals]float64   // workload: the window's unit of each signal
	pages features.Pages     // memory
	kind  uint8              // failure: the type by the component's name
	row   [maxFields]float32 // reordered: the layout's row
	none  none               // what conclude read that is no number
}

// worker takes an idle one or makes one. A buffered channel and not a
// sync.Pool: the collector empties those, and the next call would allocate.
func (p *Predictor) worker() *worker {
	select {
	case w := <-p.idle:
		return w
	default:
	}
	rows := max(chunkRows, p.family.maxRows())
	return &worker{
		session: p.model.NewSession(rows),
		input:   make([]float32, rows*p.model.Inputs()),
		max:     rows,
		slots:   make([]slot, maxSlots),
	}
}

// maxFields is room for a row of every plain layout.
const maxFields = 64

// maxSlots bounds the requests of one run.
const maxSlots = 64

func (p *Predictor) release(w *worker) {
	select {
	case p.idle <- w:
	default:
	}
}

// unit cuts a number to [0, 1]; NaN stays NaN, which no prediction may have.
func unit(v float32) float32 { return min(max(v, 0), 1) }

// verdict is the probability that the verdict at 0.5 is right, which is what
// confidence means for threat and failure. It holds as far as probability is
// calibrated; the model cards say how far that is.
func verdict(probability float32) float32 { return max(probability, 1-probability) }
