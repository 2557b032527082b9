package api

import "github.com/mlbridge/mlbridge/ipc"

// Call is one call as the daemon reads it. Its storage is reused by the next
// ParseCall, so what it holds is valid until then. A Call serves one kind at a
// time; changing the kind drops the storage.
type Call struct {
	Kind     ipc.Kind
	Batch    bool
	Requests []ipc.Request // one, or as many as the batch has slots
	Faults   []error       // per slot: nil, or why it cannot be asked
	Forms    []AddressForm // per slot: how its answer writes addresses
	Unknown  int           // unknown fields that were ignored (JSON)

	json  jsonReader
	names ipc.Names // of components, in msgpack
}

// ParseCall reads a call of c.Kind; c.Batch says which of the two forms it has.
//
// In a batch a slot that cannot be asked has its reason in Faults, and the error is
// about bodies that cannot be taken apart, empty batches and batches over MaxBatch.
// A single call has no other slots to save: its fault is the error.
func (f Format) ParseCall(body []byte, c *Call) error {
	c.reset()
	if !c.Kind.Valid() {
		return invalidf("no such kind of prediction")
	}
	if len(body) == 0 {
		return invalidf("empty body")
	}
	var err error
	switch f {
	case JSON:
		err = parseCallJSON(body, c)
	case Msgpack:
		err = parseCallMsgpack(body, c)
	default:
		err = invalidf("unknown format")
	}
	if err != nil {
		return err
	}
	if !c.Batch {
		return c.Faults[0]
	}
	return nil
}

// AppendCall appends a call to b: the batch form, or the single form of reqs[0].
// All requests are of kind k and valid (ipc.Request.Validate); in JSON, bytes of a
// component that are not UTF-8 are replaced, because JSON cannot carry them.
func (f Format) AppendCall(b []byte, k ipc.Kind, reqs []ipc.Request, batch bool) []byte {
	switch {
	case f == Msgpack && batch:
		b = appendArray(b, len(reqs))
		for _, q := range reqs {
			b = ipc.AppendRequest(b, q)
		}
		return b
	case f == Msgpack:
		return ipc.AppendRequest(b, reqs[0])
	case batch:
		return appendBatchJSON(b, reqs)
	}
	return appendRequestJSON(b, reqs[0])
}

func (c *Call) reset() {
	if len(c.Requests) > 0 && c.Requests[0].Kind() != c.Kind {
		c.Requests = nil
	}
	c.Requests, c.Faults, c.Forms = c.Requests[:0], c.Faults[:0], c.Forms[:0]
	c.Unknown = 0
	c.names.Reset()
}

// slot adds a slot and gives its request, whose storage may be an earlier call's.
func (c *Call) slot() ipc.Request {
	n := len(c.Requests)
	if n < cap(c.Requests) {
		c.Requests = c.Requests[:n+1]
	} else {
		c.Requests = append(c.Requests, nil)
	}
	// A nil here is room that append made and nobody has used yet.
	if c.Requests[n] == nil || c.Requests[n].Kind() != c.Kind {
		c.Requests[n] = ipc.NewRequest(c.Kind)
	}
	c.Faults = append(c.Faults, nil)
	c.Forms = append(c.Forms, AddressU64)
	return c.Requests[n]
}
