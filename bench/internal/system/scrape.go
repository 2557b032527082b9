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

// scrapeMallocs reads a Go process's allocations. Reading it allocates too; who compares
// two readings must subtract that.
func scrapeMallocs(address string) (uint64, error) {
	n, err := Scrape(address, "go_memstats_mallocs_total")
	return uint64(n), err
}

// Scrape reads one figure without labels from the Prometheus page of the process that
// serves at address, host:port.
func Scrape(address, name string) (float64, error) {
	r, err := scraper.Get("http://" + address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(v, 64)
		}
	}
	return 0, fmt.Errorf("%s/metrics has no %s", address, name)
}
