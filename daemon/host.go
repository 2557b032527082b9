package daemon

import (
	"bytes"
	"net/netip"
	"strings"
)

// A page in a browser can make its own name resolve to 127.0.0.1 and then talk to
// this server as if it were its own. Such a request carries the page's name in its
// Host header, and that is where it is stopped.

func allowedHosts(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[strings.ToLower(n)] = true
	}
	return m
}

var (
	localhost = []byte("localhost")
	loopback4 = []byte("127.0.0.1")
)

// hostAllowed reports whether a Host header may be used on loopback: a loopback
// name or address, an allowed name, or none (HTTP/1.0; browsers always send one).
func (s *Server) hostAllowed(header []byte) bool {
	name := hostName(header)
	switch {
	case len(name) == 0, bytes.EqualFold(name, localhost), bytes.Equal(name, loopback4):
		return true
	}
	if a, err := netip.ParseAddr(string(bytes.Trim(name, "[]"))); err == nil {
		return a.Unmap().IsLoopback() || s.hosts[a.String()]
	}
	return s.hosts[strings.ToLower(string(name))]
}

// hostName cuts the port off.
func hostName(header []byte) []byte {
	if i := bytes.LastIndexByte(header, ':'); i >= 0 && bytes.IndexByte(header[i:], ']') < 0 {
		return header[:i]
	}
	return header
}
