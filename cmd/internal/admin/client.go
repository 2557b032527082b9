package admin

import (
	"context"
	"net"
	"net/http"
)

// Client gives an HTTP client that reaches the server on the socket path, whatever
// host its URLs name; http://admin/… reads best.
func Client(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}
}
