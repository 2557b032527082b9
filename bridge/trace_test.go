package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// diary is a Tracer that writes down what it is told. It records calls whose caller does.
type diary struct {
	lines []string
	ended map[uint8]int
}

func (d *diary) Begin(call *ipc.Call) any {
	if !call.Trace.Sampled() {
		return nil
	}
	return call.Trace.ID[0]
}

func (d *diary) End(call *ipc.Call) string {
	d.ended[call.Note.(uint8)]++
	d.lines = append(d.lines, fmt.Sprint("end ", call.Note, " ", call.Reply.Status, " ", call.Reply.Source))
	return fmt.Sprint("trace-", call.Note)
}

func (d *diary) Exchange(k ipc.Kind, questions int, notes []any) (string, func(int, error)) {
	d.lines = append(d.lines, fmt.Sprint("ask ", k, " ", questions, " for ", notes))
	return "00-parent", func(status int, err error) { d.lines = append(d.lines, fmt.Sprint("asked ", status, " ", err != nil)) }
}

// Every recorded call ends once, whichever way it is answered; the exchange is told of
// those that wait for it; and what is not recorded leaves no line.
func TestTracedCallsEndOnce(t *testing.T) {
	d := &diary{ended: map[uint8]int{}}
	r := newRig(t, Config{Tracer: d})
	conn := r.conns[0]
	ask := func(trace uint8, q ipc.Request, require bool) *ipc.Call {
		c := ipc.NewCall(q, &r.done)
		c.Arrived = r.now()
		c.Deadline, c.RequireModel = c.Arrived.Add(time.Minute), require
		if trace > 0 {
			c.Trace = ipc.Trace{ID: [16]byte{trace}, Span: [8]byte{1}, Flags: 1}
		}
		r.Round([]*ipc.Call{c})
		return c
	}
	ask(0, workload(9, 0.5), false)
	if conn.x.Traceparent != "" {
		t.Errorf("an exchange for nobody traced has traceparent %q", conn.x.Traceparent)
	}
	ask(1, workload(1, 0.5), false) // these two leave together
	ask(2, workload(1, 0.5), false)
	conn.end(model(ipc.Workload, "m@1"))
	if conn.x.Traceparent != "00-parent" {
		t.Errorf("traceparent %q", conn.x.Traceparent)
	}
	conn.end(model(ipc.Workload, "m@1"))
	ask(3, workload(1, 0.5), false) // cached
	ask(4, workload(2, 0.5), false)
	ask(5, workload(3, 0.5), true)
	r.settle() // the daemon is given up: a rule, and a refusal
	r.Round(nil)
	want := []string{
		"ask workload 1 for [1 2]", "asked 200 false", "end 1 ok model", "end 2 ok model",
		"end 3 ok cache",
		"ask workload 1 for [4]", "end 5 unavailable none", "end 4 ok rule", // what is queued goes first
	}
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Error(diff)
	}
	if r.done.n != 6 {
		t.Errorf("%d of 6 calls are done", r.done.n)
	}
	for trace, n := range d.ended {
		if n != 1 {
			t.Errorf("call %d ended %d times", trace, n)
		}
	}
}
