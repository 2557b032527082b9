package predict

import (
	"fmt"
	"slices"
)

// InvalidError is Predict's error where the model answered some of the questions with what
// is no number: NaN, or an infinity. The answers to the others stand.
type InvalidError struct {
	Faults []Fault // at least one, by Question
}

// Fault is the first number that is none among those that an answer is made of.
type Fault struct {
	Question int // its place in the call
	Output   string
	Value    float32
}

func (e *InvalidError) Error() string {
	f := e.Faults[0]
	if n := len(e.Faults); n > 1 {
		return fmt.Sprintf("predict: question %d: %v, and %d more without an answer", f.Question, f, n-1)
	}
	return fmt.Sprintf("predict: question %d: %v", f.Question, f)
}

// Of gives the fault of a question, nil where it has an answer. The error may be nil.
func (e *InvalidError) Of(question int) *Fault {
	if e == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(e.Faults, question, func(f Fault, q int) int { return f.Question - q })
	if !found {
		return nil
	}
	return &e.Faults[i]
}

func (f Fault) String() string { return fmt.Sprintf("output %s gives %v", f.Output, f.Value) }

// none is where an output of a run has no number.
type none struct {
	output, at int // at counts the output's numbers over all rows
	value      float32
	found      bool
}

// read gives a number of an output of the run; at counts over all rows.
func (w *worker) read(output, at int) float32 { return w.reads(output, at, 1)[0] }

// reads gives n numbers of an output of the run. Whatever a prediction is made of is read
// here, where it is noted when one is none: then nobody gets the prediction.
func (w *worker) reads(output, at, n int) []float32 {
	list := w.session.Output(output)[at : at+n]
	for i, v := range list {
		if v-v != 0 && !w.none.found {
			w.none = none{output, at + i, v, true}
		}
	}
	return list
}

// fault says what none is of.
func (p *Predictor) fault(question int, n none) Fault {
	o := p.model.Outputs()[n.output]
	return Fault{question, p.nameOf(n.output, n.at%o.Width, o.Name), n.value}
}
