package cmd_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/ipc"
)

// bring puts a workload model into dir that says cpu, whatever it is asked.
func bring(t *testing.T, dir, version string, cpu float32) {
	t.Helper()
	layer := enginetest.Dense{Inputs: 35, Bias: []float32{cpu, 1, 0, 0.9}}
	manifest := fmt.Sprintf(`{"predictor":"workload","name":"mine","version":%q,"file":"%s.onnx","features":"fields/1",
		"outputs":["predicted_cpu","predicted_memory","predicted_gpu","confidence"]}`, version, version)
	for name, data := range map[string][]byte{version + ".onnx": layer.ONNX(), version + ".manifest.json": []byte(manifest)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shapes are the two ways in which a bridge has models of a folder: in this process, or
// in an mld whose admin socket it finds.
func shapes(t *testing.T, models string) map[string]func(*testing.T) *process {
	return map[string]func(*testing.T) *process{
		"hosted": func(t *testing.T) *process {
			return start(t, "ml-bridge", "--socket", filepath.Join(t.TempDir(), "b.sock"), "--http", "127.0.0.1:0", "--models", models)
		},
		"mld": func(t *testing.T) *process {
			dir := t.TempDir()
			mld := start(t, "mld", "--listen", "127.0.0.1:0", "--admin", filepath.Join(dir, "mld-admin.sock"), "--models", models)
			return start(t, "ml-bridge", "--socket", filepath.Join(dir, "b.sock"), "--http", "127.0.0.1:0", "--upstream", "http://"+mld.at.Listen[0])
		},
	}
}

// awaitModel asks about ever new agents until the model called label answers.
func awaitModel(t *testing.T, c *ipc.Client, agent *uint64, label string) {
	t.Helper()
	var r ipc.Reply
	for end := time.Now().Add(startup); time.Now().Before(end); time.Sleep(time.Millisecond) {
		*agent++
		if r = one(t, c, fresh(*agent)[0], time.Second); r.Source == ipc.SourceModel && r.Model == label {
			return
		}
	}
	t.Fatalf("%s never answered; the last answer was %+v", label, r)
}

// The operator of a bridge promotes, rolls back and tries models through its admin
// socket, whether it hosts them or asks an mld; what is dropped into the folder serves
// by itself; a bad decision is refused and says why.
func TestOperatorDecidesAboutModels(t *testing.T) {
	for name := range shapes(t, "") {
		t.Run(name, func(t *testing.T) {
			models := t.TempDir()
			bring(t, models, "1", 0.25)
			bridge := shapes(t, models)[name](t)
			client, agent := dial(t, bridge.at.Socket), uint64(0)
			awaitModel(t, client, &agent, "mine@1")
			bring(t, models, "2", 0.5)
			awaitModel(t, client, &agent, "mine@2")

			command := func(want string, code int, args ...string) {
				t.Helper()
				cmd := exec.Command(filepath.Join(bin, "ml-bridge"), append([]string{"models", "--admin", bridge.at.Admin}, args...)...)
				out, _ := cmd.CombinedOutput()
				if cmd.ProcessState.ExitCode() != code || !strings.Contains(string(out), want) {
					t.Errorf("ml-bridge models %v: %d, %s; want %d and %q", args, cmd.ProcessState.ExitCode(), out, code, want)
				}
			}
			command("workload: mine@1 serves", 0, "rollback", "workload")
			awaitModel(t, client, &agent, "mine@1")
			command("did you mean mine@1 or mine@2?", 1, "promote", "mine@3")
			k := modeldesk.At(bridge.at.Admin, startup)
			v, err := k.View()
			if err != nil {
				t.Fatal(err)
			}
			command("is built in", 1, "promote", v.Serving["memory"].Model)
			command("nothing to roll back", 1, "rollback", "memory")
			command("mine@2 is tried in the shadow", 0, "try", "mine@2")
			command("mine@1 serves", 0, "stop", "mine@2")
			command("off", 0, "list")

			if v, err := k.Do(modeldesk.Decision{What: modeldesk.Promote, Model: "mine@2"}); err != nil || v.Serving["workload"].Model != "mine@2" {
				t.Errorf("promoted: %+v, %v", v.Serving["workload"], err)
			}
			awaitModel(t, client, &agent, "mine@2")
			if _, err := k.Do(modeldesk.Decision{What: modeldesk.Rollback, Kind: "weather"}); err == nil || !strings.Contains(err.Error(), "weather") {
				t.Errorf("rolled back a kind that is none: %v", err)
			}
		})
	}
}

// A bridge does not decide about the models of an mld that it does not ask.
func TestOperatorOfAnotherDaemon(t *testing.T) {
	models, dir := t.TempDir(), t.TempDir()
	bring(t, models, "1", 0.25)
	start(t, "mld", "--listen", "127.0.0.1:0", "--admin", filepath.Join(dir, "mld-admin.sock"), "--models", models)
	bridge := start(t, "ml-bridge", "--socket", filepath.Join(dir, "b.sock"), "--http", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1")
	k := modeldesk.At(bridge.at.Admin, startup)
	if _, err := k.Do(modeldesk.Decision{What: modeldesk.Rollback, Kind: "workload"}); err == nil || !strings.Contains(err.Error(), "--upstream-admin") {
		t.Errorf("rolled back a stranger's model: %v", err)
	}
	cmd := exec.Command(filepath.Join(bin, "ml-bridge"), "models", "list", "--admin", bridge.at.Admin)
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "--upstream-admin") {
		t.Errorf("listed a stranger's models: %d, %s", cmd.ProcessState.ExitCode(), out)
	}
}

// Everybody is told that model files are refused, of which kind and how many, by the page,
// with scripts and without, and by /health; where they are and what is wrong with them, an
// operator alone.
func TestRefusedModelFiles(t *testing.T) {
	findBrowser(t)
	for name := range shapes(t, "") {
		t.Run(name, func(t *testing.T) {
			models := filepath.Join(t.TempDir(), "cellar")
			if err := os.Mkdir(models, 0o700); err != nil {
				t.Fatal(err)
			}
			bring(t, models, "1", 0.25)
			bring(t, models, "2", 50) // not a share
			bring(t, models, "3", 60)
			bridge := shapes(t, models)[name](t)
			b := openBrowser(t, bridge.at.HTTP)
			b.do(chromedp.Navigate("http://" + bridge.at.HTTP + "/"))
			const refused = "workload: 2 models of the folder are refused"
			b.until(fmt.Sprintf(`document.getElementById("reasons").innerText.includes(%q)`, refused))
			said := eval[string](b, "document.body.innerText")
			for _, path := range []string{"/", "/health", "/api/ml/status"} {
				text := textAt(t, http.DefaultClient, "http://"+bridge.at.HTTP+path)
				if !strings.Contains(text, refused) {
					t.Errorf("%s does not say that models are refused: %s", path, text)
				}
				said += text
			}
			for _, secret := range []string{"cellar", "3.onnx", "gives 60"} {
				if strings.Contains(said, secret) {
					t.Errorf("everybody is told %q:\n%s", secret, said)
				}
			}
			told := textAt(t, admin.Client(bridge.at.Admin), "http://admin/api/ml/status")
			for _, detail := range []string{"cellar", "3.onnx", "gives 60", refused} {
				if !strings.Contains(told, detail) {
					t.Errorf("the operator is not told %q:\n%s", detail, told)
				}
			}
			b.everywhere()
			b.picture("refused-" + name)

			if err := os.WriteFile(filepath.Join(models, "4.manifest.json"), []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			b.until(`document.getElementById("reasons").innerText.includes("the models' folder cannot be read")`)
			if said := textAt(t, http.DefaultClient, "http://"+bridge.at.HTTP+"/api/ml/status"); strings.Contains(said, "cellar") || strings.Contains(said, "manifest") {
				t.Errorf("everybody is told what cannot be read:\n%s", said)
			}
			b.quiet()
		})
	}
}

// textAt gives what a GET is answered with.
func textAt(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The operator's page has a button for each decision, and asks before it takes one.
func TestLivePageDecidesAboutModels(t *testing.T) {
	findBrowser(t)
	models := t.TempDir()
	bring(t, models, "1", 0.25)
	bridge := shapes(t, models)["hosted"](t)
	client, agent := dial(t, bridge.at.Socket), uint64(0)
	awaitModel(t, client, &agent, "mine@1")
	bring(t, models, "2", 0.5)
	awaitModel(t, client, &agent, "mine@2")
	bring(t, models, "3", 50) // not a share

	forwarded := forward(t, bridge.at.Admin)
	b := openBrowser(t, forwarded)
	b.do(chromedp.Navigate("http://" + forwarded + "/live"))
	b.until(`document.getElementById("files-list").innerText.includes("want a number in [0, 1]")`)
	b.audit("model files")
	b.picture("models")
	click := func(button, yes string) {
		t.Helper()
		b.do(chromedp.Click(fmt.Sprintf(`button[aria-label=%q]`, button)))
		b.do(chromedp.Click(fmt.Sprintf(`//dialog//button[text()=%q]`, yes)))
		b.until(`document.querySelector("dialog") === null`)
	}
	click("Roll back mine@2", "Yes, roll back mine@2")
	awaitModel(t, client, &agent, "mine@1")
	b.until(`document.getElementById("files-list").innerText.includes("rejected")`)
	click("Promote mine@2", "Yes, promote mine@2")
	awaitModel(t, client, &agent, "mine@2")
	click("Try mine@1", "Yes, try mine@1")
	b.until(`document.getElementById("files-list").innerText.includes("shadow")`)
	click("Stop mine@1", "Yes, stop mine@1")
	b.until(`!document.getElementById("files-list").innerText.includes("shadow")`)

	// What was decided elsewhere meanwhile is said in the dialog.
	b.do(chromedp.Click(`button[aria-label="Promote mine@1"]`))
	bring(t, models, "1", 70)
	b.do(chromedp.Click(`//dialog//button[text()="Yes, promote mine@1"]`))
	b.until(`document.querySelector("dialog [role=status]").innerText.includes("gives 70")`)
	b.picture("models-refused")
	b.look(360, 740, "dark")
	b.do(chromedp.Click(`//dialog//button[text()="Leave it"]`))
	b.fits("phone")
	b.picture("models-phone")
	b.quiet()
}
