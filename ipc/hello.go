package ipc

import (
	"math"
	"time"

	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// hello opens a connection, in both directions. The limits are the server's and
// zero in a client's hello.
type hello struct {
	versionMin, versionMax uint64
	name                   string
	capabilities           uint64
	limits                 Limits
}

const (
	clientHelloFields = 5
	serverHelloFields = 9
)

func (h *hello) appendVersions(b []byte) []byte {
	b = appendUint(b, uint64(msgHello))
	b = appendUint(b, h.versionMin)
	b = appendUint(b, h.versionMax)
	b = appendString(b, excerpt.Cut(h.name, MaxNameBytes))
	return appendUint(b, h.capabilities)
}

func (h *hello) appendClient(b []byte) []byte {
	return h.appendVersions(appendArray(b, clientHelloFields))
}

func (h *hello) appendServer(b []byte) []byte {
	b = h.appendVersions(appendArray(b, serverHelloFields))
	b = appendUint(b, uint64(h.limits.Frame))
	b = appendUint(b, uint64(h.limits.Batch))
	b = appendUint(b, uint64(h.limits.InFlight))
	return appendUint(b, uint64(h.limits.Budget))
}

// parse reads what follows the header of an envelope of n elements.
func (h *hello) parse(r *reader, n int, fromServer bool) error {
	known := clientHelloFields
	if fromServer {
		known = serverHelloFields
	}
	if r.err == nil && n < known {
		r.fail(FaultMissing, "hello: %d elements, at least %d", n, known)
	}
	h.versionMin = r.u64("version_min")
	h.versionMax = r.u64("version_max")
	h.name = string(r.bytes("name", MaxNameBytes))
	h.capabilities = r.u64("capabilities")
	if fromServer {
		// A limit of zero would allow nothing.
		h.limits.Frame = int(r.positive("max_frame", math.MaxInt32))
		h.limits.Batch = int(r.positive("max_batch", math.MaxInt32))
		h.limits.InFlight = int(r.positive("max_in_flight", math.MaxInt32))
		h.limits.Budget = time.Duration(r.positive("default_budget", math.MaxInt64))
	}
	r.skipRest(n, known)
	if err := r.end(); err != nil {
		return err
	}
	if h.versionMin > Version || h.versionMax < Version {
		return faultf(FaultVersion, "peer speaks %d..%d, this side speaks %d", h.versionMin, h.versionMax, Version)
	}
	return nil
}
