package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// underWay starts a command and reads its standard error until a line of its progress tells
// of its second second, or a later one.
func underWay(t *testing.T, cmd *exec.Cmd) (lines *bufio.Scanner, said []string) {
	t.Helper()
	cmd.Stderr = nil
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines = bufio.NewScanner(pipe); lines.Scan(); {
		said = append(said, lines.Text())
		if progressed.MatchString(lines.Text()) && !strings.Contains(lines.Text(), "00:00/") {
			return lines, said
		}
	}
	t.Fatalf("ended by itself (%v): %q", cmd.Wait(), said)
	return nil, nil
}

var progressed = regexp.MustCompile(`\b\d\d:\d\d/`)

// interrupted runs a command, sends it a signal while it is under way, and returns the lines
// on its standard error when it has ended.
func interrupted(t *testing.T, cmd *exec.Cmd, with os.Signal) (said []string) {
	t.Helper()
	lines, said := underWay(t, cmd)
	if err := cmd.Process.Signal(with); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ends with %d (%v), want 1, though a verdict be asked away: there is none\n%s",
			cmd.ProcessState.ExitCode(), err, strings.Join(said, "\n"))
	}
	return said
}

// TestStoppedEarlyItStillReports interrupts a run of an hour once its load has begun.
func TestStoppedEarlyItStillReports(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "report.html")
	if err := os.WriteFile(whole, []byte("a whole run"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, stdout, _ := command(t, "load", "--socket", fakeBridge(t), "--budget", "1m", "--out", dir,
		"--duration", "1h", "--warmup", "0s", "--closed-loop", "1", "--exit-zero", "--workload", "trace", "--failure", "trace")
	if said := interrupted(t, cmd, syscall.SIGINT); !slices.Contains(said, "load: 1 callers, each waiting for its answer, for 1h0m0s after 0s of warm-up") {
		t.Errorf("of its load it says %q", said)
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
	for _, line := range interrupted(t, cmd, syscall.SIGINT) {
		if strings.Contains(line, "load: ") {
			t.Errorf("after the interrupt it says %q", line)
		}
	}
	if text := stdout.String(); strings.Contains(text, "0.000 %") || !strings.Contains(text, "s of 1h0m0s, then interrupted") {
		t.Errorf("a share of no calls, or no word of when it was interrupted:\n%s", text)
	}
}

// TestABridgeThatDiesLeavesAReport about what the subsystems saw by then.
func TestABridgeThatDiesLeavesAReport(t *testing.T) {
	bridge := ipctest.Listen(t, ipctest.Script(ipctest.Handshake(ipctest.DefaultHello()), ipctest.Serve(ipctest.ModelReply)))
	dir := t.TempDir()
	cmd, stdout, _ := command(t, "run", "--socket", bridge.Path, "--observe", "4s", "--out", dir, "--exit-zero",
		"--workload", "synthetic", "--failure", "none", "--memory", "none", "--threat", "none")
	lines, said := underWay(t, cmd)
	bridge.Kill()
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	_ = cmd.Wait() // the state says it
	if last := strings.Join(said[len(said)-2:], "\n"); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(last, "no bridge to ask") || !strings.Contains(last, "start ml-bridge") {
		t.Errorf("ends with %d and %q, want 1, and what to do", cmd.ProcessState.ExitCode(), last)
	}
	var r report.Report
	data, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil || r.Verdict.State != "void" || len(r.Effects) == 0 || len(r.Comparisons) == 0 || *r.Comparisons[0].ML == 0 {
		t.Fatalf("%v: %s", err, data)
	}
	text := stdout.String()
	for _, want := range []string{"verdict VOID: no load was measured: the bridge cannot be asked any more", "(bridge unavailable ", "effects on the simulated system"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("does not say %q:\n%s", want, text)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !bytes.Contains(page, []byte("<h2>Effects")) {
		t.Errorf("%v: no effects on the page", err)
	}
	for _, never := range []string{"loop", "pacing error", "0.0 s", "p99.9</th>", "p99.9  ", "without answer</li>"} {
		if strings.Contains(text, never) || bytes.Contains(page, []byte(never)) {
			t.Errorf("of a load that was not measured it says %q:\n%s", never, text)
		}
	}
}

// TestASecondSignalKills what would wait for an answer after the first.
func TestASecondSignalKills(t *testing.T) {
	mute := ipctest.Listen(t, ipctest.Script(ipctest.Handshake(ipctest.DefaultHello()), ipctest.Hang())).Path
	cmd, stdout, _ := command(t, "replay", recordingEvery(t, time.Minute, ipctest.ModelReply), "--socket", mute, "--budget", "20s")
	lines, _ := underWay(t, cmd)
	ended := make(chan struct{})
	go func() {
		for lines.Scan() {
		}
		_ = cmd.Wait() // the state says it
		close(ended)
	}()
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		case <-time.After(10 * time.Millisecond):
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended meanwhile
		}
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGTERM {
		t.Errorf("ends with %v, want to be killed\n%s", cmd.ProcessState, stdout)
	}
}
