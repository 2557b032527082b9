package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Soak is a long run at a fifth of the maximum load, and what the processes held
// meanwhile.
type Soak struct {
	Machine string  `json:"machine"`
	Seconds float64 `json:"seconds"`
	MaxRate float64 `json:"max_rate"` // calls a second, measured before: a closed loop of 64
	Rate    float64 `json:"rate"`     // of the run, an open loop
	Budget  float64 `json:"budget_us"`

	Sent     uint64            `json:"sent"`
	Answered uint64            `json:"answered"`
	InBudget uint64            `json:"in_budget"`
	BySource map[string]uint64 `json:"by_source"`
	Wrong    uint64            `json:"wrong"`
	Lost     uint64            `json:"lost"`
	Dropped  uint64            `json:"dropped"` // calls that were due and not made: too many were open
	P50us    float64           `json:"p50_us"`
	P99us    float64           `json:"p99_us"`
	P999us   float64           `json:"p999_us"`
	Pacing   float64           `json:"pacing_p99_us"`
	Connects uint64            `json:"connects"`

	Trends []Trend  `json:"trends"`
	Flat   bool     `json:"flat"`
	Failed []string `json:"failed,omitempty"`

	Samples []Sample `json:"samples"`
}

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

// Trend compares the median of the second quarter of the samples with that of the last.
// The first quarter is left out: caches and pools fill then.
type Trend struct {
	Process string  `json:"process"`
	What    string  `json:"what"`
	Early   float64 `json:"early"`
	Late    float64 `json:"late"`
	Most    float64 `json:"most"`    // in any sample
	Allowed float64 `json:"allowed"` // Late may be so much
	Flat    bool    `json:"flat"`
}

// SoakPlan says how a Soak goes.
type SoakPlan struct {
	For    time.Duration
	Share  float64 // of the maximum load
	Sample time.Duration
}

// Soak runs it. An interrupted run has what was found until then.
func (e *Env) Soak(ctx context.Context, p SoakPlan, log io.Writer) (*Soak, error) {
	c, err := e.newChain(false)
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	if _, err := c.recover(ctx); err != nil {
		return nil, err
	}
	s := &Soak{Budget: micros(time.Millisecond)}
	if s.MaxRate, err = e.maximum(ctx, c, 5*time.Second); err != nil {
		return nil, err
	}
	s.Rate = s.MaxRate * p.Share
	fmt.Fprintf(log, "maximum %.0f calls a second; soaking at %.0f for %v\n", s.MaxRate, s.Rate, p.For)
	began := time.Now()
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(watching, c, p.Sample, log) })
	counts, err := Load{
		Oracle: e.Oracle, Socket: c.socket, Rate: s.Rate, For: p.For,
		Budget: func(uint64) time.Duration { return time.Millisecond },
	}.Run(ctx, nil)
	stop()
	watch.Wait()
	s.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, err
	}
	s.count(counts)
	s.judge()
	return s, nil
}

// maximum is how many calls a second 64 callers get answered who each wait.
func (e *Env) maximum(ctx context.Context, c *Chain, lasts time.Duration) (float64, error) {
	client, err := newClient(ctx, c.socket, "soak")
	if err != nil {
		return 0, err
	}
	defer client.Close()
	run, err := load.StartClosed(ctx, load.Options{Workers: 64, Duration: lasts, Warmup: time.Second, Labels: []string{"call"}, Sources: sources},
		func(ctx context.Context, _ int, n uint64, _ int) load.Outcome {
			_, q := e.Oracle.Question(n)
			replies := make([]ipc.Reply, 1)
			err := client.Predict(context.Background(), []ipc.Request{q}, replies, ipc.Options{Budget: time.Second})
			return outcome(err, &replies[0])
		})
	if err != nil {
		return 0, err
	}
	r := run.Wait()
	if r.Interrupted || r.Rate() == 0 {
		return 0, errors.Join(errors.New("no maximum was found"), context.Cause(ctx))
	}
	return r.Rate(), nil
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

func (s *Soak) count(c *Counts) {
	q := load.QuantilesOf(c.Latency)
	s.Sent, s.Answered, s.InBudget, s.BySource, s.Wrong, s.Lost, s.Dropped = c.Sent, c.Answered, c.InBudget, c.BySource, c.Wrong, c.Lost, c.Dropped
	s.P50us, s.P99us, s.P999us, s.Pacing, s.Connects = micros(q.P50), micros(q.P99), micros(q.P999), micros(c.Pacing), c.Connects
	s.Failed = append(s.Failed, c.Examples...)
}

// What may grow, from the second quarter to the last: memory by a twentieth and 2 MB,
// which is what a collection sooner or later makes; goroutines and descriptors by two,
// which is what a page read at that moment makes.
const (
	memoryShare, memoryMB = 1.05, 2
	countsMore            = 2
)

func (s *Soak) judge() {
	quarter := len(s.Samples) / 4
	if quarter == 0 {
		s.Failed = append(s.Failed, "too few samples to judge")
		return
	}
	s.Flat = true
	for _, p := range []struct {
		name string
		of   func(*Sample) *Held
	}{{"ml-bridge", func(x *Sample) *Held { return &x.Bridge }}, {"mld", func(x *Sample) *Held { return &x.Mld }}} {
		for _, v := range []struct {
			what    string
			of      func(*Held) float64
			allowed func(early float64) float64
		}{
			{"resident MB", func(h *Held) float64 { return h.RSS }, func(e float64) float64 { return e*memoryShare + memoryMB }},
			{"heap MB", func(h *Held) float64 { return h.Heap }, func(e float64) float64 { return e*memoryShare + memoryMB }},
			{"goroutines", func(h *Held) float64 { return h.Goroutines }, func(e float64) float64 { return e + countsMore }},
			{"descriptors", func(h *Held) float64 { return h.Descriptors }, func(e float64) float64 { return e + countsMore }},
		} {
			var values []float64
			for i := range s.Samples {
				values = append(values, v.of(p.of(&s.Samples[i])))
			}
			t := Trend{Process: p.name, What: v.what, Early: median(values[quarter : 2*quarter]), Late: median(values[len(values)-quarter:]), Most: slices.Max(values)}
			t.Allowed = v.allowed(t.Early)
			t.Flat = t.Late <= t.Allowed
			if !t.Flat {
				s.Flat = false
				s.Failed = append(s.Failed, fmt.Sprintf("%s of %s grew from %.1f to %.1f", v.what, p.name, t.Early, t.Late))
			}
			s.Trends = append(s.Trends, t)
		}
	}
	if s.Wrong > 0 || s.Lost > 0 {
		s.Failed = append(s.Failed, fmt.Sprintf("%d answers were wrong, %d calls were lost", s.Wrong, s.Lost))
	}
}

// Good reports whether nothing failed.
func (s *Soak) Good() bool { return s.Flat && s.Wrong == 0 && s.Lost == 0 }

// Markdown writes the page for the docs.
func (s *Soak) Markdown(w io.Writer) error {
	fmt.Fprintf(w, `# %s under load

Made by `+"`make soak`"+`: ml-bridge and mld as processes of their own, the kernel side's client in an open loop
at a fifth of the maximum, and every ten seconds what the two daemons hold. Every answer is compared
with what is right, as in [chaos.md](chaos.md). Memory, goroutines and descriptors must be flat: the median
of the last quarter of the samples against that of the second (caches and pools fill in the first), with
a twentieth and 2 MB allowed for memory and 2 for the counts.

Made on %s: %.0f s at %.0f calls a second, %.0f %% of the %.0f that 64 callers got who each waited for their answer.

| sent | answered | within 1 ms | model | cache | stale | rule | wrong | lost | not made | p50 µs | p99 µs | p99.9 µs | load itself late, p99 µs |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| %d | %d | %s | %d | %d | %d | %d | %d | %d | %d | %.0f | %.0f | %.0f | %.0f |

| process | | second quarter | last quarter | most | allowed | |
| --- | --- | ---: | ---: | ---: | ---: | --- |
`, length(s.Seconds), s.Machine, s.Seconds, s.Rate, 100*s.Rate/s.MaxRate, s.MaxRate,
		s.Sent, s.Answered, percent(s.InBudget, s.Sent), s.BySource["model"], s.BySource["cache"], s.BySource["stale"], s.BySource["rule"],
		s.Wrong, s.Lost, s.Dropped, s.P50us, s.P99us, s.P999us, s.Pacing)
	for _, t := range s.Trends {
		flat := "flat"
		if !t.Flat {
			flat = "**grows**"
		}
		fmt.Fprintf(w, "| %s | %s | %.1f | %.1f | %.1f | %.1f | %s |\n", t.Process, t.What, t.Early, t.Late, t.Most, t.Allowed, flat)
	}
	if due := s.Sent + s.Dropped; s.Dropped > due/100 {
		fmt.Fprintf(w, `
%s of the calls that were due were not made: the load did not get onto a processor, or all was
frozen. In fact there were %.0f calls a second, %.0f %% of the maximum; and their latencies are the
machine's more than the bridge's.
`, percent(s.Dropped, due), float64(s.Sent)/s.Seconds, 100*float64(s.Sent)/s.Seconds/s.MaxRate)
	}
	if late := float64(load.MaxPacingError / time.Microsecond); s.Pacing > late {
		fmt.Fprintf(w, `
The load itself was late by more than %.0f µs, at the 99th percentile, so how many answers came within 1 ms says
little about the bridge: kernelsim calls such a run void. What is right, what is lost and what grows does not depend on it.
`, late)
	}
	for _, f := range s.Failed {
		fmt.Fprintf(w, "\n**%s.**\n", f)
	}
	return nil
}

// length is for people.
func length(seconds float64) string {
	if minutes := math.Round(seconds / 60); minutes != 60 {
		return fmt.Sprintf("%.0f minutes", minutes)
	}
	return "An hour"
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
