package api

import (
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
)

func parseCallJSON(body []byte, c *Call) error {
	r := &c.json
	r.reset(body)
	defer r.release()
	if !c.Batch {
		c.readSlot(r)
	} else if err := c.readBatch(r); err != nil {
		return err
	}
	c.Unknown = r.unknown
	return r.end()
}

// readSlot reads one features object into a slot of its own.
func (c *Call) readSlot(r *jsonReader) {
	q := c.slot()
	i := len(c.Requests) - 1
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		r.workload(q)
	case *ipc.ThreatRequest:
		r.threat(q)
	case *ipc.FailureRequest:
		r.failure(q)
	case *ipc.MemoryRequest:
		c.Forms[i] = r.memory(q)
	}
	fault := r.takeFault()
	if fault == nil && r.err == nil {
		if err := q.Validate(); err != nil {
			fault = invalidf("%s", camelCase(ErrorText(err)))
		}
	}
	c.Faults[i] = fault
}

var batchFields = fields{"features"}

func (c *Call) readBatch(r *jsonReader) error {
	if r.open('{', "body") {
		var had seen
		for r.member() {
			if r.index(batchFields, &had) == 0 {
				c.readFeatures(r)
			}
		}
		r.require(batchFields, had, 1)
	}
	// A syntax error further on is the better answer, but only if there is one
	// before the end of the body.
	if err := r.takeFault(); err != nil && r.end() == nil {
		return err
	}
	if r.err != nil {
		return r.err
	}
	return batchSize(len(c.Requests))
}

func (c *Call) readFeatures(r *jsonReader) {
	if !r.open('[', "features") {
		return
	}
	for r.element() {
		if len(c.Requests) == MaxBatch {
			r.err = invalidf("features: batch of more than %d", MaxBatch)
			return
		}
		c.readSlot(r)
	}
}

// camelCase turns the field's name at the front of a validation error, which is
// the wire's snake_case, into this API's.
func camelCase(text string) string {
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ':' || c == ' ' || c == '[':
			return string(append(b, text[i:]...))
		case c == '_' && i+1 < len(text) && text[i+1] >= 'a' && text[i+1] <= 'z':
			i++
			b = append(b, text[i]-'a'+'A')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func appendBatchJSON(b []byte, reqs []ipc.Request) []byte {
	b = append(b, `{"features":[`...)
	for i, q := range reqs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRequestJSON(b, q)
	}
	return append(b, "]}"...)
}

func appendRequestJSON(b []byte, q ipc.Request) []byte {
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		return appendWorkloadRequest(b, q)
	case *ipc.ThreatRequest:
		return appendThreatRequest(b, q)
	case *ipc.FailureRequest:
		return appendFailureRequest(b, q)
	case *ipc.MemoryRequest:
		return appendMemoryRequest(b, q)
	}
	return append(b, "null"...)
}

// appendAgent opens a request's object with its agent.
func appendAgent(b []byte, agent uint64) []byte {
	b = append(b, `{"agentId":"agent-`...)
	b = strconv.AppendUint(b, agent, 10)
	return append(b, '"')
}

// appendAddress writes an address in its form.
func appendAddress(b []byte, address uint64, form AddressForm) []byte {
	if form == AddressNormalised32 {
		return appendFloat(b, Normalise(address), 64)
	}
	return strconv.AppendUint(b, address, 10)
}
