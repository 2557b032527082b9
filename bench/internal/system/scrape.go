package system

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var scraper = &http.Client{Timeout: 5 * time.Second}

// scrapeMallocs reads a Go process's allocations from its Prometheus page. Reading it
// allocates too; who compares two readings must subtract that.
func scrapeMallocs(address string) (uint64, error) {
	r, err := scraper.Get("http://" + address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "go_memstats_mallocs_total "); ok {
			n, err := strconv.ParseFloat(v, 64)
			return uint64(n), err
		}
	}
	return 0, fmt.Errorf("%s/metrics has no go_memstats_mallocs_total", address)
}
