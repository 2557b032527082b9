package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// world is a host of files that the test writes.
func world(t *testing.T, files map[string]string) *Host {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &Host{
		Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys"), Run: filepath.Join(root, "run"),
		Socket: filepath.Join(root, "bridge.sock"), Conns: 12_000, Sleeps: 3,
		Systemctl: func(context.Context, ...string) (string, error) { return "", errors.New("none here") },
	}
}

// want looks for a finding of the level with the words, and with advice where it
// matters.
func want(t *testing.T, findings []Finding, l Level, words ...string) {
	t.Helper()
	for _, f := range findings {
		if f.Level != l || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(f.Text+" → "+f.Advice, w) }) {
			continue
		}
		if l != Good && f.Advice == "" {
			t.Errorf("%q is a %s without advice", f.Text, l)
		}
		return
	}
	t.Errorf("no %s about %q in %+v", l, words, findings)
}

func TestSocketThatIsNone(t *testing.T) {
	h := world(t, nil)
	want(t, h.socket(t.Context()), Failure, "there is no socket", "Start ml-bridge")
	if err := os.WriteFile(h.Socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, h.socket(t.Context()), Failure, "is no socket")
}

func TestSocketThatAnswers(t *testing.T) {
	bridge := ipctest.Listen(t, ipctest.Script(ipctest.Handshake(ipctest.DefaultHello()), ipctest.Serve(ipctest.ModelReply)))
	h := world(t, nil)
	h.Socket = bridge.Path
	if err := os.Chmod(h.Socket, 0o666); err != nil {
		t.Fatal(err)
	}
	got := h.socket(t.Context())
	want(t, got, Failure, "open to every user", "SocketMode=0660")
	if err := os.Chmod(h.Socket, 0o660); err != nil {
		t.Fatal(err)
	}
	got = h.socket(t.Context())
	want(t, got, Good, "mode 0660")
	if h.bridge != os.Getpid() {
		t.Errorf("process %d listens on the socket, want this one, %d", h.bridge, os.Getpid())
	}
	if !slices.ContainsFunc(got, func(f Finding) bool { return f.Area == "bridge" && strings.Contains(f.Text, "answers: ok, from model") }) {
		t.Errorf("no answer was found: %+v", got)
	}
}

func TestAdminSocketOfOthers(t *testing.T) {
	h := world(t, map[string]string{"open": ""})
	h.Admin = filepath.Join(filepath.Dir(h.Proc), "open")
	if err := os.Chmod(h.Admin, 0o660); err != nil {
		t.Fatal(err)
	}
	want(t, h.admin(t.Context()), Failure, "mode 0660", "chmod 0600")
	h.Admin += "-none"
	want(t, h.admin(t.Context()), Note, "no admin socket")
}

func TestDaemonAndItsModels(t *testing.T) {
	said := `{"status":"degraded","version":"1","models":{
		"workload":{"status":"healthy","model":"w@1"},
		"threat":{"status":"degraded","model":"t@1","error":"bad checksum"},
		"failure":{"status":"unavailable","error":"no file"}}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(said)) }))
	defer server.Close()
	h := world(t, nil)
	want(t, h.mld(t.Context()), Good, "not needed")
	h.Daemon = func(context.Context) (*http.Client, string) { return server.Client(), server.URL }
	got := h.mld(t.Context())
	want(t, got, Warning, "version 1 is degraded", "models below")
	want(t, got, Good, "workload: w@1")
	want(t, got, Warning, "threat: t@1 serves; not taken from the folder: bad checksum", "a good model of the folder")
	for _, f := range got {
		if strings.Contains(f.Advice, "systemctl") || strings.Contains(f.Text, "t@1 is degraded") {
			t.Errorf("%s → %s: a reload is not needed, and a good model not degraded", f.Text, f.Advice)
		}
	}
	want(t, got, Warning, "failure: no model: no file")
	want(t, got, Warning, "memory: no model")
	said = `{"status":"degraded","version":"1","models":{
		"workload":{"status":"degraded","model":"w@1","error":"registry: workload: dir: bad manifest"},
		"threat":{"status":"degraded","model":"t@1","error":"registry: threat: dir: bad manifest"}}}`
	got = h.mld(t.Context())
	want(t, got, Warning, "workload: w@1 serves", "cannot be read")
	want(t, got, Good, "threat: t@1, kept for the same reason")
	said = "<html>"
	want(t, h.mld(t.Context()), Warning, "no mld: /health has status 200", "--upstream")
	server.Close()
	want(t, h.mld(t.Context()), Warning, "does not answer", "Start mld")
	h.Run = filepath.Dir(h.Run) // whose systemd/system there is now
	if err := os.MkdirAll(filepath.Join(h.Run, "systemd/system"), 0o700); err != nil {
		t.Fatal(err)
	}
	want(t, h.mld(t.Context()), Warning, "does not answer", "systemctl status mld")
	for _, f := range h.mld(t.Context()) {
		if strings.Contains(f.Advice, "root") {
			t.Errorf("%s → %s: nobody was kept out", f.Text, f.Advice)
		}
	}
	h.Daemon = func(context.Context) (*http.Client, string) {
		return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EACCES)}
		}}}, "http://mld"
	}
	want(t, h.mld(t.Context()), Warning, "may not ask mld", "run doctor as root")
}

// What the running bridge says of itself counts, not what doctor was given.
func TestTheRunningBridgeIsAsked(t *testing.T) {
	said := `{"service":"ml-bridge","http":"none","upstream":{"address":"in process"}}`
	h := world(t, nil)
	h.Admin = filepath.Join(filepath.Dir(h.Proc), "a.sock")
	ln, err := net.Listen("unix", h.Admin)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(said)) }), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(ln) }()
	defer server.Close()
	dead := func(url string) (*http.Client, string) { return &http.Client{}, url }
	given := func() {
		h.HTTP, h.Dial = "127.0.0.1:1", dead
		h.Daemon = func(context.Context) (*http.Client, string) { return dead("http://127.0.0.1:1") }
	}
	given()
	h.running(t.Context())
	want(t, h.mld(t.Context()), Good, "not needed")
	if got := h.http(t.Context()); len(got) != 0 {
		t.Errorf("without an HTTP API: %+v", got)
	}

	said = `{"service":"ml-bridge","http":"127.0.0.1:2","upstream":{"address":"http://127.0.0.1:3"}}`
	given()
	h.running(t.Context())
	for _, f := range append(h.mld(t.Context()), h.http(t.Context())...) {
		if f.Level != Warning || strings.Contains(f.Text, "I was given") || !strings.Contains(f.Text, "127.0.0.1:2") && !strings.Contains(f.Text, "127.0.0.1:3") {
			t.Errorf("of a bridge on other ports: %+v", f)
		}
	}

	said = `{"service":"ml-bridge","http":"[::]:2","upstream":{"address":"in process"}}`
	if h.running(t.Context()); h.HTTP != "localhost:2" {
		t.Errorf("on every interface: %s is asked", h.HTTP)
	}

	h = world(t, nil) // nobody to ask
	given()
	h.running(t.Context())
	want(t, h.mld(t.Context()), Warning, "does not answer (with the settings I was given")
	want(t, h.http(t.Context()), Warning, "127.0.0.1:1 (with the settings I was given")
}

func TestHTTPOfOthers(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	h := world(t, nil)
	h.HTTP = server.Listener.Addr().String()
	want(t, h.http(t.Context()), Warning, "no ml-bridge: /health has status 404", "Stop it")
	server.Close()
	want(t, h.http(t.Context()), Warning, "nobody answers", "another address")
}

func TestLimits(t *testing.T) {
	const head = "Limit                     Soft Limit           Hard Limit           Units     \n"
	h := world(t, map[string]string{
		"proc/7/comm": "ml-bridge\n", "proc/7/limits": head + "Max open files            1024                 4096                 files     \n",
		"proc/8/comm": "other\n", "proc/sys/net/core/somaxconn": "128\n",
	})
	got := h.limits(t.Context())
	want(t, got, Warning, "process 7", "1024 descriptors", "LimitNOFILE=")
	want(t, got, Note, "128 connections can wait", "somaxconn")
	h.bridge = 8 // another one listens on the socket
	want(t, h.limits(t.Context()), Note, "can be read")
	h.bridge = 7
	h.Conns = 100
	want(t, h.limits(t.Context()), Good, "1024 descriptors")
	want(t, world(t, nil).limits(t.Context()), Note, "can be read")
}

func TestTimersAreJudged(t *testing.T) {
	if f := judgeTimers([]time.Duration{50_000, 60_000, 70_000}); f.Level != Good {
		t.Errorf("tens of microseconds: %+v", f)
	}
	if f := judgeTimers([]time.Duration{50_000, 60_000, 400_000}); f.Level != Note {
		t.Errorf("over the margin: %+v", f)
	}
	if f := judgeTimers([]time.Duration{50_000, 60_000, 3_000_000}); f.Level != Warning || !strings.Contains(f.Text, "3ms") {
		t.Errorf("over the budget: %+v", f)
	}
	if got := world(t, nil).timers(t.Context()); len(got) != 1 || got[0].Text == "" {
		t.Errorf("here: %+v", got)
	}
}

func TestClockAndProcessors(t *testing.T) {
	const cpu = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
	const clock = "sys/devices/system/clocksource/clocksource0/current_clocksource"
	h := world(t, map[string]string{clock: "hpet\n", cpu: "powersave\n", "proc/stat": "cpu  50 0 40 0 0 0 0 10 0 0\n", "proc/sys/kernel/sched_autogroup_enabled": "1\n"})
	want(t, h.clock(t.Context()), Warning, "hpet", "tsc")
	got := h.processors(t.Context())
	want(t, got, Note, "powersave")
	want(t, got, Note, "autogroups are on", "sched_autogroup_enabled=0")
	want(t, got, Warning, "10.0 % of the time")
	want(t, world(t, map[string]string{clock: "tsc\n"}).clock(t.Context()), Good, "tsc")
}

func TestServiceStates(t *testing.T) {
	h := world(t, map[string]string{"run/systemd/system/x": ""})
	h.Systemctl = func(_ context.Context, args ...string) (string, error) {
		if args[1] == "mld.service" {
			return "LoadState=loaded\nActiveState=failed\nResult=watchdog\n", nil
		}
		return "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=3\nFileDescriptorStoreMax=0\nWatchdogUSec=0\nStatusText=fine\n", nil
	}
	got := h.service(t.Context())
	want(t, got, Good, "ml-bridge.service is running: fine")
	want(t, got, Warning, "started anew 3 times")
	want(t, got, Warning, "no watchdog")
	want(t, got, Warning, "drops its clients' connections", "handover")
	want(t, got, Failure, "mld.service has failed: watchdog", "journalctl -u mld")
	h.Systemctl = func(context.Context, ...string) (string, error) { return "LoadState=not-found\n", nil }
	want(t, h.service(t.Context()), Note, "not installed")
	want(t, world(t, nil).service(t.Context()), Note, "not run by systemd")
}

func TestPressureAndMemory(t *testing.T) {
	h := world(t, map[string]string{
		"proc/pressure/cpu":    "some avg10=1.00 avg60=77.20 avg300=1.00 total=1\n",
		"proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"proc/pressure/io":     "nonsense\n",
		"proc/meminfo":         "MemTotal: 1 kB\nMemAvailable:  102400 kB\n",
	})
	got := h.pressure(t.Context())
	want(t, got, Warning, "cpu: somebody waited during 77.2 %")
	want(t, got, Good, "memory: somebody waited during 0.0 %")
	want(t, got, Note, "io: cannot read")
	want(t, h.memory(t.Context()), Warning, "100 MiB are available")
	want(t, world(t, nil).pressure(t.Context()), Note, "psi=1")
}

// A quota that stops the bridge, and kills for want of memory, are told of its group.
func TestBoundsOfTheGroup(t *testing.T) {
	h := world(t, map[string]string{
		"proc/7/comm": "ml-bridge\n", "proc/7/limits": "Max open files  1 1 files\n", "proc/7/cgroup": "0::/box/ml-bridge.service\n",
		"group/box/ml-bridge.service/cpu.max":       "50000 100000\n",
		"group/box/ml-bridge.service/cpu.stat":      "usage_usec 5\nnr_periods 10\nnr_throttled 3\n",
		"group/box/ml-bridge.service/memory.events": "low 0\noom_kill 2\n",
	})
	root := filepath.Join(filepath.Dir(h.Proc), "group")
	got := h.bounds(root)
	want(t, got, Warning, "50000 100000", "stopped by it 3 times", "CPUWeight=")
	want(t, got, Warning, "2 processes", "MemoryMax=")
	if err := os.WriteFile(filepath.Join(root, "box/ml-bridge.service/cpu.max"), []byte("max 100000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := h.bounds(root); len(got) != 1 {
		t.Errorf("without a quota: %+v", got)
	}
}

// The report says the worst, to people and to programs.
func TestReport(t *testing.T) {
	r := &Report{Findings: []Finding{good("a", "fine"), found("a", Note, "look", "odd"), found("b", Warning, "do this", "slow")}}
	if r.ExitCode() != exitWarnings {
		t.Errorf("exit code %d with a warning", r.ExitCode())
	}
	r.Findings = append(r.Findings, found("b", Failure, "do that", "dead"))
	if r.ExitCode() != exitFailures || (&Report{}).ExitCode() != exitGood {
		t.Errorf("exit code %d with a failure", r.ExitCode())
	}
	var text, document bytes.Buffer
	r.Text(&text, false)
	for _, w := range []string{"ok  fine", "!!  slow", "→ do this", "XX  dead", "1 of 4 things looked at do not work, 1 could be better."} {
		if !strings.Contains(text.String(), w) {
			t.Errorf("the text does not say %q:\n%s", w, text.String())
		}
	}
	if err := r.JSON(&document); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(document.Bytes(), &back); err != nil || !slices.Equal(back.Findings, r.Findings) {
		t.Errorf("the JSON comes back as %+v, %v", back, err)
	}
}

// Examine must not fail on a host of which nothing can be read.
func TestExamineNothing(t *testing.T) {
	r := Examine(t.Context(), world(t, nil))
	if r.count(Failure) == 0 || len(r.Findings) < 10 {
		t.Errorf("%d findings, %d failures", len(r.Findings), r.count(Failure))
	}
	for _, f := range r.Findings {
		if f.Level != Good && f.Advice == "" {
			t.Errorf("%s %q has no advice", f.Level, f.Text)
		}
	}
}
