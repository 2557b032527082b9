package cmd_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mlbridge/mlbridge/bridge/status"
)

// The load alone reports nothing back, so that it may measure a bridge that serves others;
// with the subsystems before it models are judged by what recorded programs did.
func TestKernelsimLoadLeavesModelsAlone(t *testing.T) {
	kernelsim := filepath.Join(t.TempDir(), "kernelsim")
	if out, err := exec.Command("go", "build", "-o", kernelsim, "./kernelsim").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	chain := startChain(t)
	for _, c := range []struct {
		command []string
		reports bool
	}{{[]string{"load"}, false}, {[]string{"run", "--observe", "2s"}, true}} {
		cmd := exec.CommandContext(t.Context(), kernelsim, append(c.command, "--socket", chain.socket,
			"--workload", "trace", "--failure", "trace", "--warmup", "0s", "--duration", "1s")...)
		// How fast it was, and the exit status with it, is the machine's.
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		var d status.Document
		if err := json.Unmarshal([]byte(textAt(t, http.DefaultClient, chain.http+"/api/ml/status")), &d); err != nil {
			t.Fatal(err)
		}
		var answers, outcomes uint64
		for _, k := range d.Kinds {
			outcomes += k.Score.Joined + k.Score.Unknown
			for _, n := range k.Answers {
				answers += n
			}
		}
		if answers == 0 || c.reports != (outcomes > 0) {
			t.Errorf("after kernelsim %s the bridge had given %d answers and heard of %d outcomes; it said\n%s", c.command, answers, outcomes, out)
		}
	}
}
