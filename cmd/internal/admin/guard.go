package admin

import (
	"net/http"
	"net/netip"
	"strings"
)

// guard refuses what a page in a browser could send. A socket of mode 0600 has no
// browser on it, until its owner forwards it to a port (ssh -L, for the live page):
// then any page that the browser shows could send a POST there, or reach it under a
// name of its own that it lets resolve to 127.0.0.1 (DNS rebinding).
func guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	inner := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.Host) {
			http.Error(w, "this Host is not served here: say http://admin/ or http://localhost/", http.StatusForbidden)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// local reports whether a Host header names the socket as our own tools do, or this
// machine.
func local(host string) bool {
	name := host
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	switch strings.ToLower(name) {
	case "admin", "unix", "localhost":
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
