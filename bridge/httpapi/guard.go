package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// guard refuses what does not come from this machine's own programs.
//
// Host: a page of evil.example can point its own name at 127.0.0.1 and then read
// this API as its own site (DNS rebinding). The Host header still says evil.example,
// so only known names are served. Over a Unix socket there is no name to rebind.
//
// Origin: requests that change something and come from another site are refused by
// net/http's own protection, which reads Sec-Fetch-Site and Origin. Programs send
// neither and are not concerned.
func (h *handler) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, origin := range h.cfg.Origins {
		if err := cross.AddTrustedOrigin(origin); err != nil {
			panic("httpapi: " + err.Error())
		}
	}
	cross.SetDenyHandler(h.exchange("", func(x *exchange) {
		x.fail(http.StatusForbidden, "cross-site request")
	}))
	inner := cross.Handler(next)
	refused := h.exchange("", func(x *exchange) {
		x.fail(http.StatusForbidden, fmt.Sprintf("host %q is not served here, see --allow-host", clip(x.r.Host)))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.knowsHost(r) {
			refused.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// knowsHost reports whether the Host header names this machine.
func (h *handler) knowsHost(r *http.Request) bool {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return true
	}
	name := hostname(r.Host)
	if name == "" {
		return false
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	return slices.ContainsFunc(h.cfg.Hosts, func(known string) bool { return strings.EqualFold(known, name) })
}

// hostname takes the port and the brackets of an IPv6 address off a Host header,
// "" when it is none.
func hostname(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil { // no port
		return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return ""
	}
	return name
}
