package daemon

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Traced is a call that came with a trace (the traceparent header of W3C Trace Context)
// and was answered.
type Traced struct {
	Parent        ipc.Trace // the caller's span
	Kind          ipc.Kind
	Slots, Failed int    // questions, and those without an answer
	Model         string // "name@version", "" when there was none
	Began         time.Time
	Took          time.Duration
	Err           error // why the call failed as a whole
}
