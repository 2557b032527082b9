package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWhatAQuotaStopped in either version of control groups: version 2, in a container, too,
// whose group is its root; version 1 beside it; none.
func TestWhatAQuotaStopped(t *testing.T) {
	const two, one = "usage_usec 9\nnr_periods 50\nnr_throttled 7\nthrottled_usec 1500000\n", "nr_periods 50\nnr_throttled 3\nthrottled_time 20000000\n"
	for name, c := range map[string]struct {
		group string // /proc/self/cgroup
		files map[string]string
		want  stops
	}{
		"version 2":        {"0::/pod/a\n", map[string]string{"pod/a/cpu.stat": two}, stops{7, 1500 * time.Millisecond}},
		"a container's":    {"0::/\n", map[string]string{"cpu.stat": two, "cpu.max": "200000 100000"}, stops{7, 1500 * time.Millisecond}},
		"version 1":        {"9:memory:/m\n4:cpu,cpuacct:/b:c\n0::/\n", map[string]string{"cpu/b:c/cpu.stat": one, "memory/m/cpu.stat": two}, stops{3, 20 * time.Millisecond}},
		"no quota":         {"0::/pod/a\n", map[string]string{"pod/a/cpu.stat": "usage_usec 9\n"}, stops{}},
		"no control group": {"", nil, stops{}},
		"nonsense":         {"x\n0::/pod/a\n", map[string]string{"pod/a/cpu.stat": "nr_throttled many\nnr_throttled\n"}, stops{}},
	} {
		proc, sys := t.TempDir(), t.TempDir()
		files := map[string]string{filepath.Join(proc, "self/cgroup"): c.group}
		for path, text := range c.files {
			files[filepath.Join(sys, "fs/cgroup", path)] = text
		}
		for path, text := range files {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := quotaStops(proc, sys); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := quotaStops(t.TempDir(), "/sys"); got != (stops{}) {
		t.Errorf("without /proc: %+v", got)
	}
}

// TestAStopIsTold, and nothing where there was none meanwhile.
func TestAStopIsTold(t *testing.T) {
	from := stops{5, time.Second}
	if told := tellStops(from, from); told != "" {
		t.Errorf("nothing happened, and it says %q", told)
	}
	if told := tellStops(from, stops{12, 1734_600_000}); !strings.Contains(told, "7 times, for 735ms in all") {
		t.Errorf("it says %q", told)
	}
}
