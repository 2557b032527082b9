package observe

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// bin holds the commands, built once.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mlbridge-observe-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bin = dir
	build := exec.Command("go", "build", "-o", bin+"/", "./cmd/ml-bridge", "./cmd/mld", "./cmd/kernelsim")
	build.Dir, build.Stderr = "../..", os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long anything may take on a machine that is busy with other things.
const patience = 30 * time.Second

// ready is what a daemon says of itself once it answers.
type ready struct {
	HTTP   string
	Listen []string
}

// start runs a daemon until it is ready. end stops it as an operator would, which sends
// what it has recorded.
func start(t *testing.T, name string, args ...string) (at ready, end func()) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, name), append(args, "--admin=off", "--log-format=json")...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers, ended := make(chan ready, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct {
				Level, Message string
				ready
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "READY" {
				answers <- line.ready
			} else if line.Level == "warn" || line.Level == "error" {
				t.Logf("%s says %s", name, lines.Bytes())
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}()
	end = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-ended
	}
	t.Cleanup(end)
	select {
	case at = <-answers:
	case <-ended:
		t.Fatalf("%s ended before it was ready", name)
	case <-time.After(patience):
		t.Fatalf("%s is not ready after %v", name, patience)
	}
	return at, end
}
