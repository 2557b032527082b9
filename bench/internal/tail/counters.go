package tail

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var scraper = &http.Client{Timeout: 5 * time.Second}

// counters are the figures of a daemon's Prometheus page by name, labels and all.
type counters map[string]float64

func readCounters(page string) (counters, error) {
	r, err := scraper.Get("http://" + page + "/metrics")
	if err != nil {
		return nil, fmt.Errorf("tail: %w", err)
	}
	defer r.Body.Close()
	return parseCounters(r.Body)
}

func parseCounters(r io.Reader) (counters, error) {
	c := make(counters)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || line[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			c[line[:i]] = v
		}
	}
	return c, lines.Err()
}

// Collections is what a daemon's garbage collector did.
type Collections struct {
	Cycles  int     `json:"cycles"`
	MeanUS  float64 `json:"mean_pause_us"`
	WorstUS float64 `json:"worst_pause_us"` // of the last 256 pauses
}

func collections(before, after counters) (c Collections) {
	const name = "go_gc_duration_seconds"
	n := after[name+"_count"] - before[name+"_count"]
	c.Cycles = int(n)
	if n > 0 {
		c.MeanUS = 1e6 * (after[name+"_sum"] - before[name+"_sum"]) / n
		c.WorstUS = 1e6 * after[name+`{quantile="1"}`]
	}
	return c
}

func (c Collections) add(d Collections) Collections {
	if n := c.Cycles + d.Cycles; n > 0 {
		c.MeanUS = (c.MeanUS*float64(c.Cycles) + d.MeanUS*float64(d.Cycles)) / float64(n)
		c.Cycles = n
	}
	c.WorstUS = max(c.WorstUS, d.WorstUS)
	return c
}
