package ipc

import (
	"fmt"
	"math"
	"time"
)

// The flags of a predict message: bit 0 refuses stale answers and rules, bits 1 and 2
// are the call's class.
const (
	flagRequireModel = 1 << 0
	flagClassShift   = 1
	flagClassMask    = 3
)

// flags is what the options are on the wire.
func (o *Options) flags() (f uint64) {
	if o.RequireModel {
		f = flagRequireModel
	}
	return f | uint64(o.Class&flagClassMask)<<flagClassShift
}

// appendPredict writes a whole predict message; the requests must be valid.
func appendPredict(b []byte, id uint64, opts Options, reqs []Request) []byte {
	n, flags := 4, opts.flags()
	if flags != 0 {
		n = 5
	}
	traced := opts.Trace.Valid()
	if traced {
		n = 6
	}
	b = appendArray(b, n)
	b = appendUint(b, uint64(msgPredict))
	b = appendUint(b, id)
	b = appendUint(b, uint64(max(opts.Budget, 0)))
	b = appendArray(b, len(reqs))
	for _, q := range reqs {
		b = appendArray(b, 2)
		b = appendUint(b, uint64(q.Kind()))
		b = q.append(b)
	}
	if n > 4 {
		b = appendUint(b, flags)
	}
	if traced {
		b = appendTrace(b, &opts.Trace)
	}
	return b
}

// predictHead is what precedes the slots of a predict message.
type predictHead struct {
	id     uint64
	budget time.Duration
	slots  int
}

// predictHead reads up to the slots; the caller reads those with slot and what is
// behind them with predictTail.
func (r *reader) predictHead(n int, lim *Limits) (h predictHead) {
	if r.err == nil && n < 4 {
		r.fail(FaultMissing, "predict: %d elements, at least 4", n)
	}
	h.id = r.positive("id", math.MaxUint64) // 0 is the connection itself
	if !r.absent() {
		h.budget = time.Duration(r.uint("budget", math.MaxInt64))
	}
	h.slots = r.array("slots", lim.Batch)
	if r.err == nil && h.slots == 0 {
		r.fail(FaultMissing, "slots: none")
	}
	return h
}

// predictTail reads flags and trace into the options, skips what is newer than this
// code, and checks that the frame ends.
func (r *reader) predictTail(n int) (opts Options) {
	known := 4
	if n > known {
		known++
		if !r.absent() {
			flags := r.u64("flags")
			opts.RequireModel = flags&flagRequireModel != 0
			opts.Class = Class(flags >> flagClassShift & flagClassMask)
		}
	}
	if n > known {
		known++
		opts.Trace = r.trace()
	}
	r.skipRest(n, known)
	r.end()
	return opts
}

// slot reads one [kind, request] pair into the storage of s. A slot that is well
// formed but asks something impossible is the slot's own error: it comes back as a
// *StatusError and the reader stands behind the slot. When the bytes themselves
// are broken the reader's error is set.
func (r *reader) slot(s *requestStore) (Request, error) {
	start := r.off
	if r.err != nil {
		return nil, r.err
	}
	n := r.tuple("slot", 2)
	v, neg := r.integer("kind")
	if r.err == nil && (neg || v > math.MaxUint8) {
		r.fail(FaultRange, "kind: want %d..%d", Workload, Memory)
	}
	q := s.request(Kind(v))
	if r.err == nil && q == nil {
		return nil, r.refuse(start, &StatusError{Status: StatusUnimplemented, Text: fmt.Sprintf("unknown kind %d, want %d..%d", v, Workload, Memory)})
	}
	if r.err == nil {
		parseRequest(r, q)
		r.skipRest(n, 2)
	}
	if r.err != nil {
		return nil, r.refuse(start, r.err)
	}
	return q, q.Validate()
}

// refuse steps over the slot that began at start. When even that fails, the bytes
// are not msgpack and the whole frame is at fault.
func (r *reader) refuse(start int, cause error) error {
	r.off, r.err = start, nil
	r.skip(1)
	if r.err != nil {
		return r.err
	}
	if p, ok := cause.(*ProtocolError); ok {
		return &StatusError{Status: StatusInvalidArgument, Text: p.Text}
	}
	return cause
}

// requestStore holds one request of each kind so that decoding reuses storage.
type requestStore struct {
	workload WorkloadRequest
	threat   ThreatRequest
	failure  FailureRequest
	memory   MemoryRequest
}

func (s *requestStore) request(k Kind) Request {
	switch k {
	case Workload:
		return &s.workload
	case Threat:
		return &s.threat
	case Failure:
		return &s.failure
	case Memory:
		return &s.memory
	}
	return nil
}
