package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

// The tests run the command as a process of its own: this test binary, which is mld
// when told so.
const beMLD = "MLD_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMLD) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// process is a running mld.
type process struct {
	*exec.Cmd
	mu     sync.Mutex
	log    bytes.Buffer
	lines  chan map[string]any // the log, line by line
	exited chan int
	killed chan struct{} // closed when nobody awaits lines any more
	gone   chan struct{} // closed when it has ended
}

// launch starts mld and logs what it writes.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{
		Cmd: exec.Command(os.Args[0], args...), lines: make(chan map[string]any, 1000), exited: make(chan int, 1),
		killed: make(chan struct{}), gone: make(chan struct{}),
	}
	p.Env = append(os.Environ(), beMLD+"=1")
	p.Stdout = os.Stdout
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.gone)
		in := bufio.NewScanner(stderr)
		for in.Scan() {
			p.mu.Lock()
			fmt.Fprintf(&p.log, "%s\n", in.Bytes())
			p.mu.Unlock()
			var line map[string]any
			if json.Unmarshal(in.Bytes(), &line) == nil {
				select {
				case p.lines <- line:
				case <-p.killed:
				}
			}
		}
		close(p.lines)
		err := p.Wait()
		var exit *exec.ExitError
		switch {
		case err == nil:
			p.exited <- 0
		case errors.As(err, &exit):
			p.exited <- exit.ExitCode()
		default:
			p.exited <- -1
		}
	}()
	// What it still does when it is killed is done before its folders are removed.
	t.Cleanup(func() {
		close(p.killed)
		p.Process.Kill()
		<-p.gone
	})
	return p
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// patience is how long is waited for what must come. It is there to tell where a test
// hangs, and longer than any machine is busy with other things.
const patience = 10 * time.Minute

// await gives the first log line with the message.
func (p *process) await(t *testing.T, message string) map[string]any {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("mld ended without saying %q:\n%s", message, p.text())
			}
			if line["message"] == message {
				return line
			}
		case <-deadline:
			t.Fatalf("mld does not say %q:\n%s", message, p.text())
		}
	}
}

// exit waits for the exit code.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.exited:
		return code
	case <-time.After(patience):
		t.Fatalf("mld does not end:\n%s", p.text())
		return -1
	}
}

// addresses are those of the READY line.
func addresses(t *testing.T, line map[string]any) (out []string) {
	t.Helper()
	list, _ := line["listen"].([]any)
	for _, a := range list {
		out = append(out, a.(string))
	}
	return out
}

func unixClient(path string) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestLife starts mld on two addresses, asks it, reloads it and stops it.
func TestLife(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "mld.sock")
	p := launch(t, "--listen", "127.0.0.1:0", "--listen", "unix:"+socket)
	list := addresses(t, p.await(t, "READY"))
	if len(list) != 2 || list[1] != "unix:"+socket {
		t.Fatalf("listens on %v", list)
	}
	if status, body := get(t, http.DefaultClient, "http://"+list[0]+"/readyz"); status != 200 {
		t.Errorf("/readyz %d %s", status, body)
	}
	if status, body := get(t, unixClient(socket), "http://mld/health"); status != 200 || !strings.Contains(body, `"service":"mld"`) {
		t.Errorf("/health %d %s", status, body)
	}
	resp, err := http.Post("http://"+list[0]+"/api/ml/predict/workload", "application/json", strings.NewReader(
		`{"agentId":"agent-1","historicalMemory":[9007199254740993],"currentCpu":0.0,"currentMemory":9007199254740993,"timeOfDay":0,"dayOfWeek":0}`))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || !strings.Contains(string(body), `"success":true`) {
		t.Errorf("prediction: %d %s", resp.StatusCode, body)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.await(t, "model loaded")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await(t, "drained")
	if code := p.exit(t); code != cli.ExitOK {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket file is still there: %v", err)
	}
}

// TestSettingsFile: mld takes its settings from a file, says on SIGHUP what changed,
// and does not start with a key that is none.
func TestSettingsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mld.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen = ['127.0.0.1:0']\ndrain = '5s'\n")
	p := launch(t, "--config", file)
	p.await(t, "READY")
	write("listen = ['127.0.0.1:0']\ndrain = '6s'\nmax-conns = 5\n")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if line := p.await(t, "setting changed"); line["setting"] != "drain" || line["to"] != `"6s"` {
		t.Errorf("changed: %v", line)
	}
	if line := p.await(t, "setting waits for a restart"); line["setting"] != "max-conns" {
		t.Errorf("waits: %v", line)
	}
	write("lisen = 'x'\n")
	wrong := launch(t, "--config", file)
	if code := wrong.exit(t); code != cli.ExitUsage || !strings.Contains(wrong.text(), `did you mean "listen"?`) {
		t.Errorf("wrong key: exit %d\n%s", code, wrong.text())
	}
}

// TestModelsInSettingsFile: the folder of models is taken from the file as from the flag,
// and must be there.
func TestModelsInSettingsFile(t *testing.T) {
	dir := t.TempDir()
	file, notes := filepath.Join(dir, "mld.toml"), filepath.Join(dir, "notes")
	with := func(models string) *process {
		t.Helper()
		if err := os.WriteFile(file, []byte("listen = ['127.0.0.1:0']\nmodels = '"+models+"'\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return launch(t, "--config", file)
	}
	p := with(dir) // no models are in it, which is said
	if line := p.await(t, "models not replaced: the folder cannot be read"); line["folder"] != dir {
		t.Errorf("the folder is %v, want %s", line["folder"], dir)
	}
	if err := os.WriteFile(notes, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{filepath.Join(dir, "none"), notes} {
		p := with(wrong)
		if code := p.exit(t); code != cli.ExitUsage || !strings.Contains(p.text(), file+":2: models: ") || !strings.Contains(p.text(), wrong) {
			t.Errorf("models = %q: exit %d\n%s", wrong, code, p.text())
		}
	}
}

// TestOperator: the admin socket is the owner's alone, and its drain ends mld.
func TestOperator(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	p := launch(t, "--listen", "127.0.0.1:0", "--admin", socket)
	if line := p.await(t, "READY"); line["admin"] != socket {
		t.Errorf("READY says admin %v, want %s", line["admin"], socket)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the admin socket: %v, %v; want mode 0600", info.Mode(), err)
	}
	resp, err := admin.Client(socket).Post("http://admin/drain", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.await(t, "drained")
	if code := p.exit(t); resp.StatusCode != http.StatusAccepted || code != cli.ExitOK {
		t.Errorf("POST /drain = %d, exit %d; want 202 and 0", resp.StatusCode, code)
	}
}

// sameSignal is how long a second signal counts as the first.
const sameSignal = 100 * time.Millisecond

// TestSecondSignal: a call that never ends holds up the first signal, not the second.
func TestSecondSignal(t *testing.T) {
	p := launch(t, "--listen", "127.0.0.1:0", "--drain", "1h")
	c, err := net.Dial("tcp", addresses(t, p.await(t, "READY"))[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The first call is answered, which proves that the second, sent with it, has
	// begun; it never ends.
	fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /api")
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	first := time.Now()
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.await(t, "draining")
	// Signals right behind the first count as the first, so they go on until it ends: when
	// it has been draining for a while. It began to after the first was sent.
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for sent := 0; ; {
		select {
		case code := <-p.exited:
			if lasted := time.Since(first); lasted < sameSignal {
				t.Errorf("it ended %v after the first signal, want %v at least", lasted, sameSignal)
			}
			if code != cli.ExitFailure || sent == 0 || !strings.Contains(p.text(), "closed without draining") {
				t.Errorf("exit %d after %d more signals:\n%s", code, sent, p.text())
			}
			return
		case <-again.C:
			_ = p.Process.Signal(syscall.SIGTERM) // it may have ended by now
			sent++
		}
	}
}

// TestTakenPort: exit 1, with one line that names the port and the way out.
func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := launch(t, "--listen", ln.Addr().String())
	if code := p.exit(t); code != cli.ExitFailure {
		t.Errorf("exit %d", code)
	}
	text := p.text()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, ln.Addr().String()+" is taken") || !strings.Contains(text, "--listen") {
		t.Errorf("it says:\n%s", text)
	}
}

// TestUsage: wrong flags exit with 2 and say which.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--nonsense"}, {"--log-format", "xml"}, {"--http-server", "other"}, {"--models", "/nowhere/at/all"}, {"--max-conns", "0"}, {"--drain", "-1s"}, {"--busy-poll", "-1s"}, {"--busy-poll", "10m"}, {"--listen", "nowhere"}, {"--allow-host", "node-7:9005"}, {"argument"},
	} {
		p := launch(t, args...)
		if code := p.exit(t); code != cli.ExitUsage || !strings.HasPrefix(p.text(), "mld: ") {
			t.Errorf("%v: exit %d\n%s", args, code, p.text())
		}
	}
}

// TestBadModels: a folder without models is said, and the built-in ones serve.
func TestBadModels(t *testing.T) {
	p := launch(t, "--listen", "127.0.0.1:0", "--models", t.TempDir())
	line := p.await(t, "models not replaced: the folder cannot be read")
	if reason, _ := line["reason"].(string); !strings.Contains(reason, "no manifest.json and no *.manifest.json") {
		t.Errorf("reason %q", reason)
	}
	address := addresses(t, p.await(t, "READY"))[0]
	if n := strings.Count(p.text(), "not replaced"); n != 1 {
		t.Errorf("what is wrong with the folder is said %d times, want once:\n%s", n, p.text())
	}
	if status, body := get(t, http.DefaultClient, "http://"+address+"/health"); status != 200 || !strings.Contains(body, `"degraded"`) {
		t.Errorf("%d %s", status, body)
	}
}
