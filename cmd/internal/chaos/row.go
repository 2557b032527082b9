package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Row is what came of the calls while one thing was broken.
type Row struct {
	Fault    string            `json:"fault"`
	Sent     uint64            `json:"sent"`
	Answered uint64            `json:"answered"`
	InBudget uint64            `json:"in_budget"` // from the intended start
	BySource map[string]uint64 `json:"by_source"`
	Wrong    uint64            `json:"wrong"`
	Lost     uint64            `json:"lost"`

	// Of ml-bridge, when the load is over and its client gone. Goroutines and
	// descriptors are those that stay.
	GoroutinesAfter int     `json:"goroutines_after"`
	RSSMBAfter      float64 `json:"rss_mb_after"` // 10^6 bytes

	Dropped           uint64   `json:"dropped"` // calls that were due and not made: too many were open
	Group             string   `json:"group"`
	What              string   `json:"what"`
	Ran               bool     `json:"ran"`
	NotRun            string   `json:"not_run,omitempty"` // why
	Failed            string   `json:"failed,omitempty"`  // what should not have been; "" is good
	P50us             float64  `json:"p50_us"`            // of all calls that were due; 2^63 ns is none
	P99us             float64  `json:"p99_us"`
	PacingP99us       float64  `json:"pacing_p99_us"` // how late the load itself was
	RecoveredMs       float64  `json:"recovered_ms"`  // from the end of the load until the model answers
	Connects          uint64   `json:"connects"`      // connections that the client made
	GoroutinesBefore  int      `json:"goroutines_before"`
	DescriptorsBefore int      `json:"descriptors_before"`
	DescriptorsAfter  int      `json:"descriptors_after"`
	RSSMBBefore       float64  `json:"rss_mb_before"`
	Notes             []string `json:"notes,omitempty"`

	Frozen  *Frozen  `json:"frozen,omitempty"`
	Hostile *Hostile `json:"hostile,omitempty"`
}

// count takes over what the load says.
func (r *Row) count(c *Counts) {
	q := c.quantiles()
	r.Sent, r.Answered, r.InBudget, r.BySource = c.Sent, c.Answered, c.InBudget, c.BySource
	r.Wrong, r.Lost, r.Dropped = r.Wrong+c.Wrong, r.Lost+c.Lost, r.Dropped+c.Dropped // peers have counted theirs
	r.Connects = c.Connects
	r.P50us, r.P99us, r.PacingP99us = micros(q.P50), micros(q.P99), micros(c.Pacing)
	r.Notes = append(r.Notes, c.Examples...)
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// leaks is by how much a count may grow without being a leak: connections of the HTTP
// side and the runtime's own goroutines come and go.
const leaks = 8

// judge says what should not have been.
func (r *Row) judge() {
	var bad []string
	add := func(when bool, format string, args ...any) {
		if when {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	add(r.Wrong > 0, "%d answers were wrong", r.Wrong)
	add(r.Lost > 0, "%d calls were lost", r.Lost)
	add(r.Sent == 0, "no call was made")
	add(r.GoroutinesAfter > r.GoroutinesBefore+leaks, "%d goroutines are left, there were %d", r.GoroutinesAfter, r.GoroutinesBefore)
	add(r.DescriptorsAfter > r.DescriptorsBefore+leaks, "%d descriptors are left, there were %d", r.DescriptorsAfter, r.DescriptorsBefore)
	if r.Failed != "" {
		bad = append([]string{r.Failed}, bad...)
	}
	r.Failed = strings.Join(bad, "; ")
}

// WriteJSON writes rows as the array that out/chaos.json is.
func WriteJSON(w io.Writer, rows []Row) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}
