package daemon

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/predict"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/valyala/fasthttp"
)

// work is the storage of one call, kept in a pool per kind: the next call of the
// kind finds requests of its own type to decode into.
type work struct {
	body   []byte
	call   api.Call
	trace  ipc.Trace // of the caller
	answer api.Answer
	asked  []ipc.Request    // the slots that can be asked
	preds  []ipc.Prediction // their answers
	beside []ipc.Prediction // a candidate's
	out    []byte
}

func newWork(k ipc.Kind) *work { return &work{call: api.Call{Kind: k}} }

// identity is the only Content-Encoding taken: what a compressed body unfolds to has
// no bound that its length tells.
var identity = []byte("identity")

// predict answers a call of kind k.
func (s *Server) predict(ctx *fasthttp.RequestCtx, k ipc.Kind, batch bool) {
	format, ok := api.ParseContentType(ctx.Request.Header.ContentType())
	if !ok {
		sendError(ctx, fasthttp.StatusUnsupportedMediaType, "want Content-Type application/json or application/msgpack")
		return
	}
	if e := ctx.Request.Header.ContentEncoding(); len(e) > 0 && !bytes.EqualFold(e, identity) {
		sendError(ctx, fasthttp.StatusUnsupportedMediaType, "want a body that is not compressed")
		return
	}
	w := s.pools[k].Get().(*work)
	w.call.Batch = batch
	w.trace = ipc.Trace{}
	if header := ctx.Request.Header.Peek("Traceparent"); len(header) > 0 {
		w.trace = ipc.ParseTraceparent(string(header))
	}
	s.answer(ctx, w, format)
	if cap(w.body) > bodyKeep {
		w.body = nil
	}
	s.pools[k].Put(w)
}

func (s *Server) answer(ctx *fasthttp.RequestCtx, w *work, format api.Format) {
	var err error
	if w.body, err = readBody(ctx, w.body); err != nil {
		refuseBody(ctx, err)
		return
	}
	if err := s.ask(w, format); err != nil {
		sendFault(ctx, err)
		return
	}
	ctx.SetContentType(format.ContentType())
	ctx.SetBody(w.out)
}

// ask answers w.body into w.out and counts the call. The error fails it as a whole.
func (s *Server) ask(w *work, format api.Format) error {
	start := ipc.Now()
	t := s.tally[w.call.Kind]
	failed, err := w.respond(format, s.registry, start)
	if w.call.Unknown > 0 {
		s.unknown.Add(uint64(w.call.Unknown))
	}
	switch {
	case err == nil:
		t.record(len(w.call.Requests)-failed, failed, ipc.Now().Sub(start))
	case failed > 0:
		t.fail(failed)
	default:
		t.refuse()
	}
	if s.opts.OnTraced != nil && w.trace.Valid() {
		s.opts.OnTraced(Traced{
			Parent: w.trace, Kind: w.call.Kind, Slots: len(w.call.Requests), Failed: failed, Model: w.answer.Model,
			Began: time.Now().Add(-ipc.Now().Sub(start)), Took: ipc.Now().Sub(start), Err: err,
		})
	}
	return err
}

// refuseBody answers a call whose body could not be read.
func refuseBody(ctx *fasthttp.RequestCtx, err error) {
	var ne net.Error
	switch {
	case errors.Is(err, errBodyTooLarge):
		sendError(ctx, fasthttp.StatusRequestEntityTooLarge, err.Error())
	case errors.As(err, &ne) && ne.Timeout():
		sendError(ctx, fasthttp.StatusRequestTimeout, "the body did not arrive in time")
	default:
		sendError(ctx, fasthttp.StatusBadRequest, "reading the body: "+err.Error())
	}
	// Where the body ends is not known any more.
	ctx.SetConnectionClose()
	lingerOn(ctx)
}

// respond answers w.body into w.out. It gives the number of slots that failed; the
// error fails the call as a whole, with 0 slots when it could not even be read.
func (w *work) respond(format api.Format, reg *registry.Registry, start ipc.Instant) (failed int, err error) {
	if err := format.ParseCall(w.body, &w.call); err != nil {
		return 0, err
	}
	snap := reg.Snapshot()
	model := snap.Model(w.call.Kind)
	if model == nil {
		return len(w.call.Requests), &ipc.StatusError{
			Status: ipc.StatusUnavailable, Text: "no model for " + w.call.Kind.String(),
		}
	}
	failed, err = w.run(reg, model)
	w.answer.Beside = ""
	if c := snap.Candidate(w.call.Kind); c != nil && len(w.asked) > 0 && (err == nil || c.Share > 0) {
		if instead := w.try(reg, model, c); instead > 0 {
			failed, err = failed-instead, nil
		}
	}
	if err != nil {
		return failed, err
	}
	if slot := &w.answer.Slots[0]; !w.call.Batch && failed == 1 {
		return failed, &ipc.StatusError{Status: slot.Status, Text: slot.Error}
	}
	w.answer.Latency = uint64(ipc.Now().Sub(start))
	w.out = format.AppendAnswer(w.out[:0], &w.answer, w.call.Batch)
	return failed, nil
}

// run asks the model what can be asked and fills the answer's slots. It gives the
// number of slots that failed; the error is the model's about the whole call, in every slot.
func (w *work) run(reg *registry.Registry, m *registry.Model) (failed int, err error) {
	w.asked = w.asked[:0]
	for i, q := range w.call.Requests {
		if w.call.Faults[i] == nil {
			w.asked = append(w.asked, q)
		}
	}
	n := len(w.asked)
	if cap(w.preds) < n {
		w.preds = make([]ipc.Prediction, n)
	}
	w.preds = w.preds[:n]
	clear(w.preds)
	var none *predict.InvalidError
	if n > 0 {
		if none, err = askModel(m, w.asked, w.preds); err != nil {
			err = &ipc.StatusError{Status: ipc.StatusInternal, Text: fmt.Sprintf("model %s: %v", m.Label, err)}
		}
	}
	w.answer.Model = m.Label
	w.answer.Resize(len(w.call.Requests))
	next, bad := 0, badly{}
	for i := range w.answer.Slots {
		slot := &w.answer.Slots[i]
		slot.Form = w.call.Forms[i]
		if fault := cmp.Or(w.call.Faults[i], err); fault != nil {
			slot.Fail(fault)
			failed++
			continue
		}
		p := &w.preds[next]
		why := wrong(m.Kind, p, none.Of(next))
		next++
		if why != "" { // never pass on what a model should not have said
			slot.Fail(&ipc.StatusError{Status: ipc.StatusInternal, Text: "model " + m.Label + ": " + why})
			failed++
			bad.add(why)
			continue
		}
		slot.Status, slot.Error, slot.Prediction = ipc.StatusOK, "", *p
		slot.Model, slot.HasBeside = "", false
	}
	bad.note(reg, m)
	return failed, err
}
