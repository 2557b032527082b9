package doctor

import (
	"context"
	"net"
	"net/http"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
)

// inProcess is what a bridge that hosts its models has for an upstream's address.
const inProcess = "in process"

// running asks the bridge's admin socket which settings the bridge runs with, and has the
// looks that come after use these: what doctor was given may be another bridge's.
func (h *Host) running(ctx context.Context) {
	if h.Admin == "" {
		return
	}
	client := admin.Client(h.Admin)
	defer client.CloseIdleConnections()
	var health struct {
		Service, HTTP string
		Upstream      struct{ Address string }
	}
	if _, err := getJSON(ctx, client, "http://admin/health", &health); err != nil || health.Service != "ml-bridge" {
		return // as a user who may not, or of a bridge that does not run
	}
	switch health.HTTP {
	case "": // of a version that does not say
	case "none":
		h.HTTP = ""
	default:
		h.HTTP = reachable(health.HTTP)
	}
	h.told = health.HTTP != ""
	switch address := health.Upstream.Address; {
	case address == inProcess:
		h.Daemon, h.asked = nil, true
	case address != "" && h.Dial != nil:
		h.Daemon = func(context.Context) (*http.Client, string) { return h.Dial(address) }
		h.asked = true
	}
}

// reachable is address, where it is that of every interface by one that is asked: the API
// takes no other host's name than this machine's.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

// unless is what to consider where the settings are not the running bridge's own.
func unless(running bool) string {
	if running {
		return ""
	}
	return " (with the settings I was given: the running bridge was not asked)"
}
