package cmd_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/status"
)

// What the live page draws, as real processes give it: answers by source, latencies,
// the history, and what the log warned about.
func TestStatusOfRealProcesses(t *testing.T) {
	chain := startChain(t)
	client := dial(t, chain.socket)
	for n := range uint64(20) {
		for _, q := range fresh(n) {
			one(t, client, q, startup)
		}
	}
	var d status.Document
	read := func(path string) {
		t.Helper()
		resp, err := http.Get(chain.http + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		d = status.Document{}
		if err := json.NewDecoder(resp.Body).Decode(&d); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %d, %v", path, resp.StatusCode, err)
		}
	}
	await := func(what string, there func() bool) {
		t.Helper()
		for deadline := time.Now().Add(startup); ; time.Sleep(20 * time.Millisecond) {
			if read("/api/ml/status"); there() {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("no %s within %v: %+v", what, startup, d)
			}
		}
	}
	sampled := func() (n uint64) {
		for _, s := range d.Samples {
			for _, answers := range s.Answers {
				n += answers
			}
		}
		return n
	}
	await("sample of the 80 answers", func() bool { return sampled() > 0 && d.Latency.N > 0 })
	for _, k := range d.Kinds {
		if all := k.Answers["model"] + k.Answers["cache"] + k.Answers["stale"] + k.Answers["rule"]; all != 20 || k.Answers["model"] == 0 {
			t.Errorf("%s: answers %v, want 20, from the model too", k.Kind, k.Answers)
		}
		if !strings.HasPrefix(k.Model.Name, k.Kind+"-") || k.Upstream.Questions == 0 {
			t.Errorf("%s: %+v, %+v", k.Kind, k.Model, k.Upstream)
		}
	}
	if host, err := os.Hostname(); err == nil && d.Host != host {
		t.Errorf("host %q, want %q", d.Host, host)
	}
	last := d.Samples[len(d.Samples)-1].At
	read("/api/ml/status?since=" + strconv.FormatInt(last, 10))
	for _, s := range d.Samples {
		if s.At <= last {
			t.Errorf("a sample of %d after asking for those since %d", s.At, last)
		}
	}
	chain.mld.kill()
	one(t, client, fresh(1 << 40)[0], startup)
	await("notice of the daemon's absence", func() bool {
		return len(d.Notices) > 0 && strings.Contains(d.Notices[0].Text, "daemon does not answer") && d.Notices[0].Level == "warn"
	})
}
