package bridge

import "github.com/mlbridge/mlbridge/ipc"

// To which of its endpoints a lane sends the next batch, and when it may.

// down reports whether no endpoint answers.
func (l *lane) down() bool {
	for _, r := range l.routes {
		if r.breaker.closed() {
			return false
		}
	}
	return true
}

// away reports whether there is nobody to wait for: an endpoint whose breaker is closed may
// have been silent when its health was asked for.
func (l *lane) away() bool {
	for _, r := range l.routes {
		if r.breaker.closed() && !r.endpoint.mute() {
			return false
		}
	}
	return true
}

// back reports whether an endpoint that gave no answer has answered something since,
// a probe for instance. Whether it answers questions of this kind only the next one tells.
func (l *lane) back() bool {
	for _, r := range l.routes {
		if r.asked && r.unasked() {
			return true
		}
	}
	return false
}

// next is when somebody may be asked: now, or when the first pause is over.
func (l *lane) next(now ipc.Instant) (at ipc.Instant) {
	for i, r := range l.routes {
		if !r.breaker.open(now) {
			return now
		}
		if i == 0 || r.breaker.until < at {
			at = r.breaker.until
		}
	}
	return at
}

// busy reports whether a batch is out.
func (l *lane) busy() bool {
	for _, r := range l.routes {
		if r.busy() {
			return true
		}
	}
	return false
}

// substitute reports whether an endpoint other than r's answers, promptly.
func (l *lane) substitute(r *route, now ipc.Instant) bool {
	for _, o := range l.routes {
		if o != r && o.breaker.closed() && !o.late(now) {
			return true
		}
	}
	return false
}

// pick gives the flight on which n questions leave next, and how many of them; nil
// when they have to wait. One question is enough to see whether an endpoint is back,
// where another answers meanwhile.
func (l *lane) pick(n int, now ipc.Instant) (f *flight, most int) {
	for _, r := range l.routes {
		spare := len(l.routes) > 1 && l.substitute(r, now)
		switch {
		case r.breaker.open(now), spare && r.late(now):
			continue
		case spare && !r.breaker.closed():
			if r.busy() {
				continue
			}
			n = 1
		}
		f, most = r.free(n)
		if f != nil && !r.breaker.permit() {
			f = nil
		}
		if f == nil && spare && !r.breaker.closed() {
			continue
		}
		return f, most
	}
	return nil, 0
}
