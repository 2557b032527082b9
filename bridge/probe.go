package bridge

import (
	"fmt"
	"net/http"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// probe asks a daemon for its health that has been asked nothing for a while: else a
// bridge that nobody asks would go on calling a daemon up that died, until the first call
// finds out. It changes what is told, and whether callers wait for a daemon that gave no
// answer, but not whom questions go to: a call's own exchange knows better. It begins
// with the first exchange, and engines in this process need none.
type probe struct {
	bridge   *Bridge
	endpoint *endpoint
	conn     upstream.Conn
	exchange upstream.Exchange
	due      eventloop.Timer
	heard    ipc.Instant // when an exchange with the daemon last ended
	out      bool
	closed   bool
}

// maxProbe bounds how long a daemon may take to say that it is there.
const maxProbe = time.Second

func newProbe(b *Bridge, e *endpoint) *probe {
	p := &probe{bridge: b, endpoint: e}
	p.due.Fire = p.look
	p.exchange = upstream.Exchange{
		Method: http.MethodGet, Path: "/health", Timeout: min(b.cfg.Attempt, maxProbe), Done: p.done,
	}
	return p
}

// hear notes that an exchange has ended.
func (p *probe) hear(now ipc.Instant) {
	if p == nil {
		return
	}
	p.heard = now
	if !p.due.Armed() && !p.out && !p.closed {
		p.bridge.loop.Arm(&p.due, int64(now.Add(p.bridge.cfg.Probe)))
	}
}

// look asks, unless there was an exchange meanwhile. That may have been of other kinds, so
// what is told of those that nobody asked is looked at either way.
func (p *probe) look() {
	now := p.bridge.now()
	if at := p.heard.Add(p.bridge.cfg.Probe); at > now {
		p.bridge.forgive(p.endpoint, now)
		p.bridge.loop.Arm(&p.due, int64(at))
		return
	}
	if p.conn == nil {
		p.conn = p.endpoint.dial(p.bridge.loop, 0)
	}
	p.out = true
	p.conn.Do(&p.exchange)
}

func (p *probe) done(x *upstream.Exchange) {
	p.out = false
	if p.closed {
		return
	}
	now := p.bridge.now()
	asked := p.heard.Add(p.bridge.cfg.Probe) > now // by a call, which has its own findings
	switch {
	case asked:
	case x.Err == nil:
		p.bridge.reached(p.endpoint, now)
		p.bridge.forgive(p.endpoint, now)
	default:
		p.bridge.missed(p.endpoint, fmt.Errorf("its health was asked for: %w", x.Err))
	}
	p.hear(now)
}

func (p *probe) close() {
	if p == nil || p.closed {
		return
	}
	p.closed = true
	p.bridge.loop.Disarm(&p.due)
	if p.conn != nil {
		p.conn.Close()
	}
}
