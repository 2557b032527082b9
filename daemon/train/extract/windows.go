package main

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// Recurrent nets read the windows themselves, oldest first, so many inputs a step.
const (
	failureStepsWidth = 2 * ipc.MaxHealthHistory // health, flag
	threatStepsWidth  = syscalls.WindowCalls     // a call's group
	memoryStepsWidth  = 3 * ipc.MaxAccessHistory // pages since the fault before, time since then, a write
)

func (t *table) withSteps(j *job, width int) (err error) {
	if j.windows {
		t.steps, err = createMatrix(t.path+".window.npy", width, "<f4")
	}
	return err
}

// addSteps writes what fill makes of an empty window, where windows are asked for.
func (t *table) addSteps(fill func([]float32)) error {
	if t.steps == nil {
		return nil
	}
	w := make([]float32, t.steps.width)
	fill(w)
	return t.steps.addF32(w)
}

// failureSteps is the health and the flag at each sample; before the first, health is
// the first and there is no flag.
func failureSteps(q *ipc.FailureRequest, w []float32) {
	h, f := q.HistoricalHealth, q.FailureHistory
	for i := range ipc.MaxHealthHistory {
		ago := ipc.MaxHealthHistory - i
		w[2*i] = h[max(0, len(h)-ago)]
		if ago <= len(f) {
			w[2*i+1] = float32(f[len(f)-ago])
		}
	}
}

// threatSteps is the group of each call, and Groups before the first of a short window.
func threatSteps(calls []syscalls.Group, w []float32) {
	missing := len(w) - len(calls)
	for i := range w {
		w[i] = float32(syscalls.Groups)
		if i >= missing {
			w[i] = float32(calls[i-missing])
		}
	}
}

// memorySteps is each fault's distance in pages from the one before, as signed log2 of
// one more, log2 of one more than the ns in between, and whether it was a write. Faults
// before a short window are zeros.
func memorySteps(q *ipc.MemoryRequest, w []float32) {
	missing := ipc.MaxAccessHistory - len(q.AccessHistory)
	for i, address := range q.AccessHistory {
		at := w[3*(missing+i):]
		if i > 0 {
			d := float64(int64(address-q.AccessHistory[i-1]) / pageBytes)
			at[0] = float32(math.Copysign(math.Log2(1+math.Abs(d)), d))
			at[1] = float32(math.Log2(1 + float64(q.AccessTimestamps[i]-q.AccessTimestamps[i-1])))
		}
		at[2] = float32(b2i(q.AccessTypes[i] == ipc.AccessWrite))
	}
}

const pageBytes = 4096
