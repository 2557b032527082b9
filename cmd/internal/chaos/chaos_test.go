package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// bin holds the two daemons, built once.
var bin string

// The test binary is the helper process, too, as chaosrun is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "helper" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := Help(ctx, os.Args[2])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mlbridge-chaos-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	if out, err := exec.Command("go", "build", "-o", dir+"/", "../../ml-bridge", "../../mld").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func newTestEnv(t *testing.T) *Env {
	t.Helper()
	o, err := NewOracle(1, 8)
	if err != nil {
		t.Fatal(err)
	}
	return &Env{Bin: bin, Self: os.Args[0], Oracle: o, Rate: 400, For: 400 * time.Millisecond}
}

// The short form of the suite: nothing is wrong, nothing is lost, nothing is left behind,
// and the model answers again. How fast it all is, is not this test's business.
func TestShortForm(t *testing.T) {
	e := newTestEnv(t)
	tried := 0
	for _, f := range Faults() {
		if !f.Short {
			continue
		}
		tried++
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			row, err := e.Try(t.Context(), f)
			switch {
			case err != nil:
				t.Fatal(err)
			case !row.Ran:
				t.Fatalf("not run: %s", row.NotRun)
			case row.Failed != "":
				t.Errorf("%s\n%+v", row.Failed, row)
			case row.Sent == 0 || row.Answered != row.Sent:
				t.Errorf("%d of %d calls were answered", row.Answered, row.Sent)
			}
		})
	}
	if tried < 8 {
		t.Errorf("the short form has only %d faults", tried)
	}
}

// Names are keys of the JSON file, and every fault says what it is.
func TestFaultsAreTold(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range Faults() {
		if f.Name == "" || f.What == "" || f.Group == "" || f.do == nil || seen[f.Name] {
			t.Errorf("fault %q is not told whole, or twice", f.Name)
		}
		seen[f.Name] = true
	}
	if len(seen) < 40 {
		t.Errorf("there are only %d faults", len(seen))
	}
}
