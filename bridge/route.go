package bridge

import (
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// endpoint is one daemon. The first is asked as long as it answers, the others in their
// order while those before them do not.
type endpoint struct {
	name   string
	dial   func(*eventloop.Loop, ipc.Kind) upstream.Conn
	remote bool        // a daemon, no engine in this process
	probe  *probe      // nil where there is none
	absent bool        // it could not be reached, or did not answer a probe, when last tried
	why    error       // what a probe found wrong
	heard  ipc.Instant // when it last answered anything
}

// mute reports whether it did not answer a probe, and nothing since.
func (e *endpoint) mute() bool { return e.absent && e.why != nil }

// route is a lane's way to one endpoint: its connections and what is known about how
// the endpoint does with this kind.
type route struct {
	lane     *lane
	endpoint *endpoint
	breaker  breaker
	flights  []*flight // 1 to maxFlights
	speech   speech

	asked   bool   // an exchange has ended, one way or the other
	model   string // that answered last, "" where it has no name
	unclean string // its name as the daemon wrote it
}

func newRoute(l *lane, e *endpoint) *route {
	r := &route{lane: l, endpoint: e, breaker: newBreaker(&l.bridge.cfg), speech: speech{format: api.Msgpack}}
	r.flights = []*flight{newFlight(r)}
	r.breaker.over.Fire = func() { l.pump(l.bridge.now()) }
	return r
}

// busy reports whether a batch is out.
func (r *route) busy() bool {
	for _, f := range r.flights {
		if f.busy {
			return true
		}
	}
	return false
}

// late reports whether an answer is overdue, by what is usual for one. It says nothing
// about an endpoint that has no substitute; where there is one, it is asked meanwhile.
func (r *route) late(now ipc.Instant) bool {
	for _, f := range r.flights {
		if f.busy && now.Sub(f.sent) > r.lane.bridge.cfg.Suspect {
			return true
		}
	}
	return false
}

// free gives a flight that can take some of n questions, and how many it should take.
// An endpoint that failed last is asked once at a time.
func (r *route) free(n int) (first *flight, most int) {
	out := 0
	for _, f := range r.flights {
		switch {
		case f.busy:
			out++
		case first == nil:
			first = f
		}
	}
	// Half of what the limiter lets leave together is worth a batch, too: else the daemon
	// would wait for the bridge each time, which costs most where batches are small.
	if out > 0 && (n < min(crowd, max(r.lane.limiter.batch()/2, 1)) || !r.breaker.closed()) {
		return nil, 0
	}
	if first == nil && len(r.flights) < maxFlights {
		first = newFlight(r)
		r.flights = append(r.flights, first)
	}
	// Where several flights are free they share, so that the daemon works on one part
	// while the bridge does on another.
	free := maxFlights - out
	return first, min(n, api.MaxBatch, max(crowd, (n+free-1)/max(free, 1)))
}

// unasked reports whether how the last exchange ended says nothing of how the next will:
// there was none, or it met a daemon that was away and is back.
func (r *route) unasked() bool {
	return !r.asked || r.breaker.past || r.breaker.unreachable && !r.endpoint.absent
}

// forgive is asked now and then, and reports whether the route's failure is past since: no
// answer came, the endpoint has answered others after that, and of this kind nobody has asked
// anything for so long. Else a kind that was asked once, while the daemon hung, would be
// called failing until it is asked again. One that keeps failing is asked again and again.
func (r *route) forgive(quiet time.Duration, now ipc.Instant) bool {
	k := &r.breaker
	if !k.silent || k.past || r.endpoint.absent || r.busy() || r.endpoint.heard <= k.failedAt || now.Sub(k.failedAt) < quiet {
		return false
	}
	k.past = true
	k.open(now) // its pause is over
	return true
}

// succeeded notes that the endpoint answers, and which model does.
func (r *route) succeeded(model string) {
	news := !r.asked || !r.breaker.closed() || r.breaker.reason != nil
	if r.unclean != model {
		// Readers of the wire and of JSON rely on text being UTF-8, and nothing made
		// the daemon's so. What replaces bad bytes is no longer than they are.
		r.unclean = model
		r.model = strings.ToValidUTF8(model, "?")
		news = true
	}
	if l := r.lane; l.model != r.model || !l.served {
		l.model, l.served = r.model, true
		l.bridge.score.serve(l.kind, l.model)
	}
	r.asked = true
	if r.breaker.succeeded(); news {
		r.lane.bridge.loop.Disarm(&r.breaker.over)
		r.lane.bridge.publish()
	}
}

// failed notes that it does not.
func (r *route) failed(cause error) {
	b := r.lane.bridge
	r.asked = true
	b.stats.failure(r.lane.kind)
	if r.breaker.failed(cause, b.now()) {
		b.loop.Arm(&r.breaker.over, int64(r.breaker.until))
	}
	r.endpoint.absent = r.endpoint.absent || r.breaker.unreachable
	b.publish()
}
