package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
)

// neighbour is the mld that this bridge asks, through its admin socket: what the
// operator of the one wants to do to the models of the other. Who may reach the bridge's
// admin socket is let in there by the same rule (the same user, or root).
type neighbour struct {
	remote *modeldesk.Remote
	socket string
	target upstream.Target
	named  bool // by --upstream-admin: whatever answers there is meant

	mu   sync.Mutex     // guards the rest: a page that looks once a second costs mld less
	seen time.Time      // when view and err are from
	view modeldesk.View // the last one
	err  error

	refused atomic.Pointer[modeldesk.Refusals] // nil before the first look
}

const (
	// glance is how long mld may take to tell about its models: the page waits for it.
	glance = 2 * time.Second
	// seenFor is how long what it told is shown.
	seenFor = 2 * time.Second
	// lookEvery is how often mld is asked what is wrong with its models, for those who may
	// not ask it themselves: /health waits for nobody, and makes nobody work.
	lookEvery = 10 * time.Second
)

// newNeighbour gives the mld at target, whose admin socket is named, or where mld puts
// it: beside the bridge's own sockets. It is nil where the setting is off.
func newNeighbour(named, socket string, target upstream.Target) *neighbour {
	if named == admin.Off {
		return nil
	}
	n := &neighbour{socket: named, target: target, named: named != ""}
	if !n.named {
		n.socket = neighbourOf(socket)
	}
	n.remote = modeldesk.At(n.socket, glance)
	return n
}

// neighbourOf is where mld puts its admin socket, seen from a bridge on socket.
func neighbourOf(socket string) string { return filepath.Join(filepath.Dir(socket), "mld-admin.sock") }

// watch keeps refusals up to date until ctx ends.
func (n *neighbour) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		var r modeldesk.Refusals // none are known of an mld that does not say
		if v, err := n.View(); err == nil {
			r = v.Refusals()
		}
		n.refused.Store(&r)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// refusals is what mld said at the last look.
func (n *neighbour) refusals() modeldesk.Refusals {
	if r := n.refused.Load(); r != nil {
		return *r
	}
	return modeldesk.Refusals{}
}

// View gives what mld said in the last seconds.
func (n *neighbour) View() (modeldesk.View, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if time.Since(n.seen) > seenFor {
		n.view, n.err = n.remote.View()
		if n.err == nil && !n.named && !listensOn(n.view.Listen, n.target) {
			n.view, n.err = modeldesk.View{}, fmt.Errorf("the mld on %s is not the one that is asked, %s: name its admin socket with --upstream-admin", n.socket, n.target)
		}
		n.seen = time.Now()
	}
	return n.view, n.err
}

// Do asks mld for the decision, if it is the right one.
func (n *neighbour) Do(x modeldesk.Decision) (modeldesk.View, error) {
	if _, err := n.View(); err != nil {
		return modeldesk.View{}, err
	}
	v, err := n.remote.Do(x)
	n.mu.Lock()
	n.seen = time.Time{}
	n.mu.Unlock()
	return v, err
}

// listensOn reports whether a daemon that listens on the addresses is the one at target.
func listensOn(addresses []string, target upstream.Target) bool {
	if path, ok := target.UnixPath(); ok {
		return slices.Contains(addresses, "unix:"+path)
	}
	u, err := url.Parse(target.URL)
	if err != nil || u.Port() == "" {
		return false
	}
	for _, a := range addresses {
		host, port, err := net.SplitHostPort(a)
		if err == nil && port == u.Port() && sameHost(host, u.Hostname()) {
			return true
		}
	}
	return false
}

// sameHost reports whether who listens on one host is reached under another name of this
// machine: the very same, or any loopback address where it listens on all.
func sameHost(listens, asked string) bool {
	if strings.EqualFold(asked, "localhost") {
		asked = "127.0.0.1"
	}
	a, errA := netip.ParseAddr(listens)
	b, errB := netip.ParseAddr(asked)
	if errA != nil || errB != nil {
		return strings.EqualFold(listens, asked)
	}
	return a == b || a.IsUnspecified() && b.IsLoopback()
}
