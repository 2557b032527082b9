package bridge

import (
	"github.com/mlbridge/mlbridge/ipc"
)

// Tracer records calls as spans of traces. Its methods run on the loop and must not
// block. Without one a call costs a comparison with nil; the bridge knows no library of
// traces, which belongs to the command.
type Tracer interface {
	// Begin is told of every call, whose Trace is its caller's, and gives the note that
	// the call carries until its end: nil when it is not recorded.
	Begin(call *ipc.Call) (note any)
	// End is told of a recorded call whose reply is complete, and gives the name of its
	// trace, for the exemplars of metrics.
	End(call *ipc.Call) (trace string)
	// Exchange is told of a call to the daemon on behalf of recorded calls, with so many
	// questions in it. The daemon is sent the traceparent; end is called with the HTTP
	// status, or the error.
	Exchange(kind ipc.Kind, questions int, notes []any) (traceparent string, end func(status int, err error))
}

// beginTrace and endTrace surround a call.
func (b *Bridge) beginTrace(call *ipc.Call) {
	if t := b.cfg.Tracer; t != nil {
		call.Note = t.Begin(call)
	}
}

func (b *Bridge) endTrace(call *ipc.Call) {
	if call.Note == nil {
		return
	}
	trace := b.cfg.Tracer.End(call)
	call.Note = nil
	if call.Reply.Status == ipc.StatusOK {
		b.stats.took[call.Request.Kind()-1].Exemplify(ipc.Now().Sub(call.Arrived), trace)
	}
}

// maxNotes bounds the calls that an exchange is linked to.
const maxNotes = 16

// trace begins the exchange's span, when any of its questions is of a recorded call.
func (f *flight) trace() {
	f.exchange.Traceparent, f.endTrace = "", nil
	l := f.route.lane
	if l.bridge.cfg.Tracer == nil {
		return
	}
	var notes []any
	for _, q := range f.out {
		for _, w := range q.waiting {
			if w.call.Note != nil && len(notes) < maxNotes {
				notes = append(notes, w.call.Note)
			}
		}
	}
	if len(notes) > 0 {
		f.exchange.Traceparent, f.endTrace = l.bridge.cfg.Tracer.Exchange(l.kind, len(f.out), notes)
	}
}

// traced ends it.
func (f *flight) traced() {
	if f.endTrace != nil {
		f.endTrace(f.exchange.Status, f.exchange.Err)
		f.endTrace = nil
	}
}
