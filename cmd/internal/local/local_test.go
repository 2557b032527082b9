package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests run the command as a process; the programs that it starts are this test
// binary under their names, which behaves as FAKE says.
const fakeEnv = "LOCAL_TEST_FAKE"

func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	switch {
	case os.Getenv(fakeEnv) == "":
		os.Exit(m.Run())
	case name == "local":
		patience = 10 * time.Minute // longer than any machine is busy with other things
		main()
	default:
		os.Exit(fake(name, os.Args[1:]))
	}
}

// fake plays mld, ml-bridge or kernelsim.
func fake(name string, args []string) int {
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	mood := os.Getenv(fakeEnv)
	pid := fmt.Sprintf("%d\n", os.Getpid())
	if err := os.WriteFile(filepath.Join(os.Getenv("PIDS"), name+pid[:len(pid)-1]), []byte(pid), 0o600); err != nil {
		return 9
	}
	value := func(flag, otherwise string) string {
		if i := slices.Index(args, flag); i >= 0 {
			return args[i+1]
		}
		return otherwise
	}
	if mood == name+" is broken" {
		fmt.Fprintln(os.Stderr, `{"level":"error","message":"no such luck"}`)
		return 1
	}
	if name == "kernelsim" {
		return fakeSim(mood, value("--socket", ""), stop)
	}
	ln, err := net.Listen("tcp", value("--listen", value("--http", "")))
	if err != nil {
		fmt.Fprintln(os.Stderr, `{"level":"error","message":"the address is taken by another process"}`)
		return 1
	}
	defer ln.Close()
	socket := value("--socket", "default.sock")
	if mood == "socket taken" && name == "ml-bridge" && socket == "default.sock" {
		fmt.Fprintln(os.Stderr, `{"level":"error","message":"another ml-bridge answers on default.sock"}`)
		return 1
	}
	fmt.Fprintf(os.Stderr, `{"message":"READY","listen":[%q],"http":%[1]q,"socket":%[2]q}`+"\n", ln.Addr(), socket)
	if mood == "complaints" {
		for over := false; !over; { // while kernelsim runs, or after it on a slow machine
			select {
			case <-stop:
				over = true
			case <-time.After(time.Millisecond):
				asks, _ := filepath.Glob(filepath.Join(os.Getenv("PIDS"), "kernelsim*"))
				over = len(asks) > 0
			}
		}
		fmt.Fprintln(os.Stderr, `{"level":"warn","message":"hard times","why":"none"}`+"\nno JSON")
		<-stop
		return 0
	}
	if mood == name+" dies" {
		return 3
	}
	<-stop
	return 0
}

func fakeSim(mood, socket string, stop <-chan os.Signal) int {
	fmt.Println("kernelsim asks", socket)
	if mood == "complaints" {
		time.Sleep(500 * time.Millisecond) // while the daemons complain
		fmt.Println("the end")
	}
	switch mood {
	case "kernelsim fails":
		return 1
	case "wait":
		<-stop
		select { // a real one ends without its report at a second signal
		case <-stop:
			return 9
		case <-time.After(300 * time.Millisecond):
		}
		fmt.Println("a report")
	}
	return 0
}

// local runs the command in a mood of its children. It gives the exit code and all
// that was said, and checks that nothing is left.
func local(t *testing.T, mood string, while func(*exec.Cmd, *lockedBuffer)) (code int, said string) {
	t.Helper()
	bin, temp, pids := t.TempDir(), t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"local", "mld", "ml-bridge", "kernelsim"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "local"), bin)
	cmd.Env = append(os.Environ(), fakeEnv+"="+mood, "PIDS="+pids, "TMPDIR="+temp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out := &lockedBuffer{grown: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if while != nil {
		while(cmd, out)
	}
	_ = cmd.Wait()
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("%s: left in the temporary directory: %v", mood, left)
	}
	started, _ := os.ReadDir(pids)
	for _, f := range started {
		text, _ := os.ReadFile(filepath.Join(pids, f.Name()))
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			t.Errorf("%s: %s still runs", mood, f.Name())
		}
	}
	if len(started) == 0 {
		t.Errorf("%s: nothing was started", mood)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// take makes sure that the default ports are taken, by this test or by whoever has
// them already.
func take(t *testing.T, addresses ...string) {
	for _, a := range addresses {
		if ln, err := net.Listen("tcp", a); err == nil {
			t.Cleanup(func() { ln.Close() })
		}
	}
}

func TestTakenPortsAreReplacedAndSaid(t *testing.T) {
	take(t, defaultDaemon, defaultHTTP)
	code, said := local(t, "ok", nil)
	for _, want := range []string{defaultDaemon + " is taken: mld listens on 127.0.0.1:", defaultHTTP + " is taken: ml-bridge listens on 127.0.0.1:", "kernelsim asks default.sock"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, said)
	}
	code, said = local(t, "socket taken", nil)
	if code != 0 || !strings.Contains(said, "/mlbridge-run-") || !strings.Contains(said, "/bridge.sock\nkernelsim asks /") {
		t.Errorf("with the default socket taken: exit code %d; want 0 and a socket of its own in\n%s", code, said)
	}
}

func TestWhatFailsIsSaid(t *testing.T) {
	take(t, defaultDaemon, defaultHTTP)
	for mood, want := range map[string]string{
		"mld is broken":       "mld ended before it was ready:",
		"ml-bridge is broken": "ml-bridge ended before it was ready:",
		"mld dies":            "mld: exit status 3",
		"ml-bridge dies":      "ml-bridge: exit status 3",
		"kernelsim fails":     "kernelsim: exit status 1",
	} {
		if code, said := local(t, mood, nil); code != 1 || !strings.Contains(said, want) {
			t.Errorf("%s: exit code %d; want 1 and %q in\n%s", mood, code, want, said)
		}
	}
}

// TestACommandMayBeNamed as kernelsim's own is, at the beginning.
func TestACommandMayBeNamed(t *testing.T) {
	for args, want := range map[string]string{"": "run []", "-q": "run [-q]", "load -q": "load [-q]", "run --seed 2": "run [--seed 2]", "--out load": "run [--out load]"} {
		command, rest := cut(strings.Fields(args))
		if got := fmt.Sprint(command, " ", rest); got != want {
			t.Errorf("%q is %s, want %s", args, got, want)
		}
	}
}

// Ctrl-C reaches the whole foreground group; kernelsim must see one signal, no more.
func TestInterruptEndsWithAReportAndNothingLeft(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		code, said := local(t, "wait", func(cmd *exec.Cmd, out *lockedBuffer) {
			out.await(t, "kernelsim asks")
			if err := syscall.Kill(-cmd.Process.Pid, s); err != nil {
				t.Error(err)
			}
		})
		if code != 0 || !strings.Contains(said, "a report") {
			t.Errorf("%v: exit code %d; want 0 and a report in\n%s", s, code, said)
		}
	}
}

func TestWithoutArgumentsItSaysHow(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Args[0], cmd.Env = "local", append(os.Environ(), fakeEnv+"=ok")
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 2 || !bytes.HasPrefix(out, []byte("usage: local DIR")) {
		t.Errorf("exit code %d, %q; want 2 and the usage", code, out)
	}
}

// TestALogIsReadToItsEnd: a daemon whose log nobody takes any more stands still.
func TestALogIsReadToItsEnd(t *testing.T) {
	rest := strings.NewReader(strings.Repeat("x", 1<<20) + "\n" + strings.Repeat("a line\n", 1<<16))
	follow(rest, new(strings.Builder), make(chan ready, 1), func([]byte) {})
	if rest.Len() > 0 {
		t.Errorf("%d bytes were left", rest.Len())
	}
}
