package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Sample is what the processes held at a time.
type Sample struct {
	At     float64 `json:"at_s"`
	Bridge Held    `json:"ml_bridge"`
	Mld    Held    `json:"mld"`
}

// Held is what a process holds.
type Held struct {
	RSS         float64 `json:"rss_mb"`
	Heap        float64 `json:"heap_mb"` // in use, after collections and before
	Goroutines  float64 `json:"goroutines"`
	Descriptors float64 `json:"descriptors"`
}

// watch takes samples until ctx ends.
func (s *Soak) watch(ctx context.Context, c *Chain, every time.Duration, log io.Writer) {
	began := time.Now()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		bridge, err := c.bridge.held(c.page)
		mld, err2 := c.mld.held(c.mldPage())
		if err := errors.Join(err, err2); err != nil {
			fmt.Fprintln(log, "no sample:", err)
			continue
		}
		s.Samples = append(s.Samples, Sample{time.Since(began).Seconds(), bridge, mld})
		if n%30 == 0 {
			fmt.Fprintf(log, "%v: ml-bridge %+v, mld %+v\n", time.Since(began).Round(time.Second), bridge, mld)
		}
	}
}

// mldPage is mld's address on TCP.
func (c *Chain) mldPage() string {
	for _, a := range c.mld.Ready.Listen {
		if !strings.HasPrefix(a, "unix:") && !strings.HasPrefix(a, "/") {
			return a
		}
	}
	return ""
}

// held reads what the process holds; page is host:port of its figures.
func (p *Process) held(page string) (h Held, err error) {
	resp, err := scraper.Get("http://" + page + "/metrics")
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return h, fmt.Errorf("%s/metrics: %s", page, resp.Status)
	}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "go_goroutines":
			h.Goroutines, err = strconv.ParseFloat(value, 64)
		case "go_memstats_heap_inuse_bytes":
			h.Heap, err = strconv.ParseFloat(value, 64)
			h.Heap /= 1e6
		}
		if err != nil {
			return h, err
		}
	}
	h.RSS, h.Descriptors = p.resident(), float64(p.descriptors())
	return h, nil
}
