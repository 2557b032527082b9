package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// binary is the command, built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kernelsim-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "kernelsim")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// fakeBridge answers everything as a sure model.
func fakeBridge(t *testing.T) string {
	t.Helper()
	return ipctest.Listen(t, ipctest.Script(ipctest.Handshake(ipctest.DefaultHello()), ipctest.Serve(ipctest.ModelReply))).Path
}

// command prepares the binary with an environment in which nothing is configured.
func command(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "XDG_RUNTIME_DIR=" + t.TempDir()}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// short are the flags of a run that takes a moment, and longer than a busy machine stands
// still, in which calls of all kinds must come. A closed loop has no pacing that such a
// machine could make void.
var short = []string{"--duration", "1s", "--warmup", "0s", "--closed-loop", "2", "--workload", "trace", "--failure", "trace", "-q"}

func TestExitCodes(t *testing.T) {
	socket := fakeBridge(t)
	absent := filepath.Join(t.TempDir(), "absent.sock")
	with := func(args ...string) []string { return append(args, short...) }
	for _, c := range []struct {
		name string
		args []string
		code int
		says string // on either stream
	}{
		{"inside the budget", with("load", "--socket", socket, "--budget", "1m"), 0, "verdict PASS"},
		{"the default command runs the subsystems", with("--socket", socket, "--budget", "1m", "--observe", "500ms"), 0, "memory (trace)"},
		{"straight over the wire", with("load", "--socket", socket, "--budget", "1m", "--client", "wire"), 0, "verdict PASS"},
		{"outside the budget", with("load", "--socket", socket, "--budget", "1ns"), 3, "verdict FAIL"},
		{"outside, with the code asked away", with("load", "--socket", socket, "--budget", "1ns", "--exit-zero"), 0, "verdict FAIL"},
		{"no bridge", with("load", "--socket", absent), 1, "start ml-bridge"},
		{"no bridge is no verdict", with("load", "--socket", absent, "--exit-zero"), 1, "start ml-bridge"},
		{"no bridge where one would be", with("run"), 1, "start ml-bridge"},
		{"no such flag", []string{"run", "--sockets", socket}, 2, "unknown flag"},
		{"no such command", []string{"walk"}, 2, "walk"},
		{"a command that is misspelt", []string{"rnu"}, 2, `did you mean "run"?`},
		{"a rate that is none", []string{"load", "--rate", "many"}, 2, `--rate: rate "many" is not a number`},
		{"a mix of nothing", []string{"load", "--mix", "workload=0"}, 2, "mix"},
		{"a kind that is none", []string{"load", "--mix", "tape"}, 2, `--mix: unknown kind "tape"`},
		{"a threat from a tape", []string{"run", "--threat", "tape"}, 2, "tape"},
		{"no time for a decision", []string{"run", "--decision-budget", "0s"}, 2, "decision-budget"},
		{"threat cannot be seen live", []string{"load", "--threat", "live"}, 2, "--threat: live is of workload and failure only"},
		{"no workers", []string{"load", "--closed-loop", "0"}, 2, "--closed-loop 0 is not in 1-4096"},
		{"too many workers", []string{"load", "--closed-loop", "4097"}, 2, "--closed-loop 4097 is not in 1-4096"},
		{"a rate of a closed loop", []string{"load", "--closed-loop", "4", "--rate", "100"}, 2, "--rate and --closed-loop do not go together"},
		{"callers of a closed loop", []string{"run", "--closed-loop", "4", "--callers", "4"}, 2, "--callers and --closed-loop do not go together"},
		{"arrivals of a closed loop", []string{"load", "--closed-loop", "4", "--arrivals", "constant"}, 2, "--arrivals and --closed-loop do not go together"},
		{"a schedule of days", []string{"load", "--rate", "steps:1x23h,1x2h"}, 2, "--rate: a schedule of 25h0m0s is not in (0, 24h0m0s]"},
		{"a report that cannot be", with("load", "--socket", socket, "--out", "/proc/no-such-place"), 1, "--out: mkdir /proc/no-such-place"},
		{"one of subsystems, too", with("run", "--socket", socket, "--observe", "1s", "--out", "/proc/no-such-place"), 1, "--out: mkdir /proc/no-such-place"},
		{"a report beside which nothing can be", with("load", "--socket", socket, "--out", "/proc/self"), 1, "--out: open /proc/self/.report-"},
		{"no budget", []string{"load", "--budget", "0s"}, 2, "budget"},
		{"help", []string{"run", "--help"}, 0, "--socket"},
		{"help of all", []string{"--help"}, 0, "0 the answers came inside the budget"},
		{"help of a command", []string{"load", "--help"}, 0, "0 the answers came inside the budget"},
		{"version", []string{"--version"}, 0, ""},
		{"a kind without a source is not asked", with("load", "--socket", socket, "--budget", "1m", "--threat", "none"), 0, "memory 33 %"},
		{"questions of a kind without a source", with("load", "--socket", socket, "--threat", "none", "--mix", "threat"), 2, "threat has no source: give --threat one"},
		{"too short for one of them", []string{"run", "--socket", socket, "--observe", "1ms", "--workload", "live", "--failure", "none", "--threat", "none", "-q"}, 1, "VOID: no load was measured: no workload question was collected"},
		{"nothing to ask", []string{"load", "--workload", "none", "--threat", "none", "--failure", "none", "--memory", "none"}, 2, "no kind has a source"},
	} {
		cmd, stdout, stderr := command(t, c.args...)
		_ = cmd.Run() // the code says it
		if got := cmd.ProcessState.ExitCode(); got != c.code {
			t.Errorf("%s: exit code %d, want %d\n%s%s", c.name, got, c.code, stdout, stderr)
		}
		if all := stdout.String() + stderr.String(); !strings.Contains(all, c.says) {
			t.Errorf("%s: does not say %q:\n%s", c.name, c.says, all)
		}
	}
}

// Made here: root, which the test may be, may connect everywhere.
func TestWhoMayNotAskIsToldSo(t *testing.T) {
	err := noBridge(&ipc.ConnError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)})
	if !strings.Contains(err.Error(), "may not ask the bridge") || !strings.Contains(err.Error(), "group") {
		t.Errorf("%v does not say what to do", err)
	}
}

func TestVoidIsAFailureUnlessAskedAway(t *testing.T) {
	if got := exitCode(verdictError{"void"}, false, io.Discard); got != 1 {
		t.Errorf("a void run ends with %d, want 1", got)
	}
	if got := exitCode(verdictError{"void"}, true, io.Discard); got != 0 {
		t.Errorf("a void run with --exit-zero ends with %d, want 0: there is a verdict", got)
	}
}

func TestReportFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "out")
	cmd, stdout, stderr := command(t, append([]string{"load", "--socket", fakeBridge(t), "--budget", "1m", "--out", dir}, short...)...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Predictions) != len(ipc.Kinds) || r.Total.Answered == 0 || r.Run.Settings["mix"] == "" {
		t.Errorf("report %+v, want four predictions with answers, and the settings", r.Run)
	}
	for name, want := range map[string]string{"report.html": "<!doctype html", "report.txt": "verdict PASS"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(strings.ToLower(string(b)), strings.ToLower(want)) {
			t.Errorf("%s: %v, want it to hold %q", name, err, want)
		}
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if n := len(lines); !strings.HasSuffix(lines[n-2], filepath.Join(dir, "report.html")) || !strings.HasPrefix(lines[n-1], "PASS: ") {
		t.Errorf("the last lines are %q, want the page's path and the verdict", lines[n-2:])
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestAnotherRunsReportIsNotReplacedInSilence writes twice into a folder, the second
// time as a run that began before the first one ended.
func TestAnotherRunsReportIsNotReplacedInSilence(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	for _, c := range []struct {
		began time.Time
		warns bool
	}{{time.Now(), false}, {time.Now().Add(time.Hour), false}, {time.Now().Add(-time.Hour), true}} {
		said.Reset()
		con := &console{ctx: t.Context(), out: io.Discard, err: &said, began: c.began}
		if err := con.publish(report.New("x"), dir, true); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(said.String(), "another run"); got != c.warns {
			t.Errorf("began %v: said %q, want a warning %v", c.began, said.String(), c.warns)
		}
	}
}

func TestSourcesAreShown(t *testing.T) {
	cmd, stdout, stderr := command(t, "sources")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, want := range []string{"host", "network", "memory-sort", "threat-webshell", "synthetic"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("does not show %q:\n%s", want, stdout)
		}
	}
}

// TestAProcessMayCallItselfAnything: its name moves no cursor, and fills no other column.
func TestAProcessMayCallItselfAnything(t *testing.T) {
	var shown bytes.Buffer
	showUsage(&shown, []source.Usage{{Name: "a\x1b[2Jb\tc\nd\u202e\xff"}, {Name: "Web Content (2)", CPU: 0.5, Memory: 3 << 20}})
	if want := "live workload\tcpu\tmemory\n  a [2Jb c d \ufffd\t0.00\t0 MiB\n  Web Content (2)\t0.50\t3 MiB\n"; shown.String() != want {
		t.Errorf("shows %q, want %q", &shown, want)
	}
}
