package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTellSteal(t *testing.T) {
	from := cpuTime{all: 100, idle: 50, stolen: 1}
	for _, c := range []struct {
		to   cpuTime
		want string
	}{
		{cpuTime{all: 200, idle: 90, stolen: 21}, "60 % busy, of which 20.0 % went to other machines"},
		{cpuTime{all: 200, idle: 125, stolen: 1}, "25 % busy, everything that runs here"},
	} {
		if got := tellSteal(from, c.to); !strings.Contains(got, c.want) {
			t.Errorf("tellSteal(%+v, %+v) = %q, want %q in it", from, c.to, got, c.want)
		}
	}
	if got := tellSteal(from, from); got != "" {
		t.Errorf("no time passed: %q", got)
	}
}

// A run that ends before the kernel's next tick has no note about it, rather than an empty one.
func TestNoNoteIsEmpty(t *testing.T) {
	proc := t.TempDir()
	if err := os.WriteFile(filepath.Join(proc, "stat"), []byte("cpu  1 2 3 4 5 6 7 8 0 0\nbtime 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := hostTime(proc); !ok {
		t.Fatal("not read as /proc")
	}
	cmd, stdout, stderr := command(t, append([]string{"load", "--socket", fakeBridge(t), "--budget", "1m", "--proc", proc}, short...)...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for line := range strings.Lines(stdout.String()) {
		if strings.TrimSpace(line) == "•" {
			t.Errorf("an empty note:\n%s", stdout)
		}
	}
}

func TestHostTimeOfThisMachine(t *testing.T) {
	now, ok := hostTime("/proc")
	if !ok || now.all <= 0 || now.idle > now.all {
		t.Errorf("hostTime = %+v, %v", now, ok)
	}
	if _, ok := hostTime(t.TempDir()); ok {
		t.Error("an empty folder was read as /proc")
	}
}
