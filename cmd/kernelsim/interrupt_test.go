package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// underWay reports whether a line tells of the progress of a run after its first second.
func underWay(line string) bool {
	return progressed.MatchString(line) && !strings.Contains(line, "00:00/")
}

var progressed = regexp.MustCompile(`\b\d\d:\d\d/`)

// TestStoppedEarlyItStillReports interrupts a run of an hour once its load has begun.
func TestStoppedEarlyItStillReports(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "report.html")
	if err := os.WriteFile(whole, []byte("a whole run"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, stdout, _ := command(t, "load", "--socket", fakeBridge(t), "--budget", "1m", "--out", dir,
		"--duration", "1h", "--warmup", "0s", "--closed-loop", "1", "--exit-zero", "--workload", "trace", "--failure", "trace")
	cmd.Stderr = nil
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	interrupted := false
	for lines.Scan() {
		// A line of progress says that a second was measured, or more.
		if !interrupted && underWay(lines.Text()) {
			interrupted = true
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("stopped early it ends with %d (%v), want 1: there is no verdict to ask away", cmd.ProcessState.ExitCode(), err)
	}
	for _, want := range []*regexp.Regexp{
		regexp.MustCompile(`verdict VOID: interrupted after [\dms.]+ of 1h0m0s\n`), regexp.MustCompile(`\nVOID: interrupted after `),
		regexp.MustCompile(`Not judged: 100\.000 % of [\d,]+ calls within 60 s`),
	} {
		if !want.MatchString(stdout.String()) {
			t.Errorf("the report does not say %q:\n%s", want, stdout)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "report-partial.html")); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(whole); err != nil || string(b) != "a whole run" {
		t.Errorf("the whole run's report is now %.20q (%v): it was replaced by part of one", b, err)
	}
}

// TestStoppedBeforeItsLoad announces none and has no share of it.
func TestStoppedBeforeItsLoad(t *testing.T) {
	cmd, stdout, _ := command(t, "run", "--socket", fakeBridge(t), "--observe", "1h", "--workload", "trace", "--failure", "trace")
	cmd.Stderr = nil
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	interrupted := false
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		if !interrupted && underWay(lines.Text()) {
			interrupted = true
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(lines.Text(), "load: ") {
			t.Errorf("after the interrupt it says %q", lines.Text())
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 || !interrupted {
		t.Errorf("ends with %d, want 1", cmd.ProcessState.ExitCode())
	}
	if strings.Contains(stdout.String(), "0.000 %") {
		t.Errorf("a share of no calls:\n%s", stdout)
	}
}
