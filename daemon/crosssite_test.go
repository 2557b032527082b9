package daemon

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestCrossSite: a form on a web page cannot reset the counts. Programs, and mld's
// own origin, can.
func TestCrossSite(t *testing.T) {
	r := start(t, nil, Options{})
	send := func(path, headers string) int {
		t.Helper()
		c := r.dial(t)
		defer c.Close()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost:9005\r\n%sContent-Length: 3\r\n\r\na=b", path, headers)
		status, _ := readAnswer(t, c)
		return status
	}
	c := r.client(t, false)
	if status, _, body := r.do(t, c, "POST", originBodies[0].path, "application/json", []byte(originBodies[0].body)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for _, headers := range []string{
		"Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: http://localhost:9006\r\n", "Origin: ::\r\n",
		"Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: new-word\r\n",
		"Origin: http://localhost:9005\r\nSec-Fetch-Site: cross-site\r\n",
	} {
		for _, path := range []string{api.PathMetricsReset, api.PathCacheClear} {
			if status := send(path, headers); status != 403 {
				t.Errorf("%s with %q: %d, want 403", path, strings.TrimSpace(headers), status)
			}
		}
	}
	if n := r.Metrics(ipc.Workload).Calls; n != 1 {
		t.Errorf("%d calls counted, want 1: a refused reset has reset", n)
	}
	for _, headers := range []string{
		"", "Origin: http://localhost:9005\r\n", "Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n",
		"Origin: http://localhost:9005\r\nSec-Fetch-Site: same-origin\r\n",
	} {
		for _, path := range []string{api.PathMetricsReset, api.PathCacheClear} {
			if status := send(path, headers); status != 200 {
				t.Errorf("%s with %q: %d, want 200", path, strings.TrimSpace(headers), status)
			}
		}
	}
	if n := r.Metrics(ipc.Workload).Calls; n != 0 {
		t.Errorf("%d calls counted after a reset", n)
	}
}
