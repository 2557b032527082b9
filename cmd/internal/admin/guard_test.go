package admin_test

import (
	"net/http"
	"testing"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
)

// Forwarded to a port, the socket is in reach of a browser's pages. They get nothing:
// not under a name of their own, and not across sites.
func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	c := admin.Client(serve(t, t.TempDir()))
	for _, r := range []struct {
		method, host, header, value string
		want                        int
	}{
		{"POST", "admin", "", "", 202},
		{"POST", "localhost:9016", "Origin", "http://localhost:9016", 202},
		{"POST", "127.0.0.1:9016", "Sec-Fetch-Site", "same-origin", 202},
		{"POST", "[::1]:9016", "", "", 202},
		{"POST", "localhost:9016", "Origin", "http://evil.example", 403},
		{"POST", "localhost:9016", "Origin", "null", 403},
		{"POST", "localhost:9016", "Sec-Fetch-Site", "cross-site", 403},
		{"POST", "evil.example", "", "", 403},
		{"POST", "evil.example:9016", "Origin", "http://evil.example:9016", 403},
		{"GET", "evil.example", "", "", 403},
		{"GET", "admin.evil.example", "", "", 403},
		{"GET", "10.0.0.1", "", "", 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), r.method, "http://admin/drain", nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.method == http.MethodGet {
			req.URL.Path = "/"
		}
		if req.Host = r.host; r.header != "" {
			req.Header.Set(r.header, r.value)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != r.want {
			t.Errorf("%s, Host %s, %s %s = %d, want %d", r.method, r.host, r.header, r.value, resp.StatusCode, r.want)
		}
	}
}
