package cmd_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd/systemdtest"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// service is ml-bridge under a service manager, with the sockets of its units.
type service struct {
	*systemdtest.Manager
	socket, http, admin string
	args                []string
}

func newService(t *testing.T, args ...string) *service {
	t.Helper()
	dir := t.TempDir()
	s := &service{Manager: systemdtest.New(t), socket: filepath.Join(dir, "bridge.sock"), admin: filepath.Join(dir, "admin.sock")}
	s.Listen("bridge", "unix", s.socket)
	s.http = s.Listen("http", "tcp", "127.0.0.1:0").String()
	s.Listen("admin", "unix", s.admin)
	s.args = append([]string{"--models", "embedded", "--handover", "--socket", "/nowhere/else", "--http", "192.0.2.1:1"}, args...)
	return s
}

func (s *service) start(t *testing.T) *process {
	t.Helper()
	p := launchAs(t, s.Prepare, "ml-bridge", s.args...).wait()
	s.Await("READY=1")
	return p
}

// The sockets that were passed are served, READY comes when a question was answered,
// and a reload is announced.
func TestServiceLife(t *testing.T) {
	s := newService(t)
	p := s.start(t)
	if p.at.Socket != s.socket || p.at.HTTP != s.http {
		t.Errorf("answers on %s and %s, want the passed %s and %s", p.at.Socket, p.at.HTTP, s.socket, s.http)
	}
	resp, err := http.Get("http://" + s.http + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	listed, err := admin.Client(s.admin).Get("http://admin/")
	if err != nil {
		t.Fatal(err)
	}
	listed.Body.Close()
	if resp.StatusCode != http.StatusOK || listed.StatusCode != http.StatusOK {
		t.Errorf("/readyz %d, admin %d; want 200", resp.StatusCode, listed.StatusCode)
	}
	p.signal(syscall.SIGHUP)
	if message := s.Await("RELOADING=1"); !slices.ContainsFunc(message, func(a string) bool { return strings.HasPrefix(a, "MONOTONIC_USEC=") }) {
		t.Errorf("reloading: %q, want the time", message)
	}
	s.Await("READY=1")
	p.signal(syscall.SIGTERM)
	s.Await("STOPPING=1")
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Lstat(s.socket); err != nil {
		t.Errorf("the passed socket's file is gone: %v", err)
	}
}

// The watchdog is fed by answers: a bridge whose loop hangs is not alive.
func TestServiceWatchdog(t *testing.T) {
	s := newService(t)
	p := launchAs(t, s.PrepareWatchdog(100*time.Millisecond), "ml-bridge", s.args...).wait()
	s.Await("READY=1")
	for range 3 {
		s.Await("WATCHDOG=1")
	}
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Restarts under load: no call fails, no connection ends, what is known stays known.
func TestRestartsCostNoCall(t *testing.T) {
	const clients, restarts = 8, 4
	s := newService(t)
	p := s.start(t)
	var asked, failed atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := range clients {
		c, err := ipc.Dial(t.Context(), s.socket, ipc.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		load.Go(func() {
			for n := uint64(0); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				q := ipctest.Request(ipc.Kinds[n%uint64(len(ipc.Kinds))], n*clients+uint64(i))
				replies := make([]ipc.Reply, 1)
				err := c.Predict(t.Context(), []ipc.Request{q}, replies, ipc.Options{Budget: startup})
				if asked.Add(1); err != nil || replies[0].Status != ipc.StatusOK {
					failed.Add(1)
					t.Errorf("client %d, call %d: %v, %+v", i, n, err, replies[0])
					return
				}
			}
		})
	}
	agent := mlclient.New(mlclient.Config{Path: s.socket, Name: "agent"})
	defer agent.Close()
	known := []ipc.Request{ipctest.Request(ipc.Workload, 1<<40)}
	ask := func() ipc.Reply {
		t.Helper()
		replies := make([]ipc.Reply, 1)
		if err := agent.Predict(t.Context(), known, replies, ipc.Options{Budget: startup}); err != nil {
			t.Fatal(err)
		}
		return replies[0]
	}
	ask()
	for range restarts {
		before := asked.Load()
		for asked.Load() < before+100 { // the load is under way
			time.Sleep(time.Millisecond)
		}
		p.signal(syscall.SIGTERM)
		if code := p.end(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		if got := s.Stored(); !slices.Equal(got, []string{"handover"}) {
			t.Fatalf("stored %q, want the hand-over", got)
		}
		p = s.start(t)
		if got := s.Stored(); len(got) != 0 {
			t.Errorf("still stored: %q", got)
		}
		if !strings.Contains(p.said(), `"message":"taken over"`) {
			t.Errorf("nothing was taken over")
		}
		if n := len(ipc.Kinds); !strings.Contains(p.said(), fmt.Sprintf(`"standings":%d,`, n)) {
			t.Errorf("the standings of %d models were not taken over", n)
		}
		if r := ask(); r.Status != ipc.StatusOK {
			t.Errorf("the agent got %+v", r)
		}
	}
	close(stop)
	load.Wait()
	if asked.Load() == 0 || failed.Load() > 0 {
		t.Errorf("%d of %d calls failed", failed.Load(), asked.Load())
	}
}

// What an earlier process left and this one cannot read costs connections, not service.
func TestServiceWithAStrangeLegacy(t *testing.T) {
	s := newService(t)
	s.Listen("handover", "tcp", "127.0.0.1:0")
	p := s.start(t)
	if !strings.Contains(p.said(), "could not be taken over") {
		t.Error("nothing was said about it")
	}
	c, err := ipc.Dial(t.Context(), s.socket, ipc.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// A drain takes as long as its calls do, and is no hanging: the watchdog's questions end
// where it begins, and nobody hears that they were not answered.
func TestDrainIsNotTakenForDead(t *testing.T) {
	s := newService(t)
	silent, asked := silentDaemon(t)
	s.args = []string{"--upstream", "unix:" + silent, "--drain", "2s"}
	p := launchAs(t, s.PrepareWatchdog(200*time.Millisecond), "ml-bridge", s.args...).wait()
	c := dial(t, s.socket)
	answered := make(chan ipc.Reply, 1)
	go func() {
		var r [1]ipc.Reply
		_ = c.Predict(context.Background(), []ipc.Request{ipctest.Request(ipc.Workload, 1)}, r[:], ipc.Options{Budget: time.Minute})
		answered <- r[0]
	}()
	<-asked
	resp, err := admin.Client(s.admin).Post("http://admin/drain", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if r := <-answered; r.Status != ipc.StatusOK || r.Source != ipc.SourceRule {
		t.Errorf("the call in flight is answered %+v, want the rule's answer", r)
	}
	_, after, found := strings.Cut(p.said(), `"draining"`)
	if !found || strings.Contains(after, "watchdog") {
		t.Errorf("the drain is not told of, or its watchdog is:\n%s", after)
	}
}

// silentDaemon takes calls and answers none. asked is closed when one about a workload has come.
func silentDaemon(t *testing.T) (path string, asked <-chan struct{}) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "mld.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	came := make(chan struct{})
	var once sync.Once
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					if strings.Contains(lines.Text(), "predict/workload") {
						once.Do(func() { close(came) })
					}
				}
			}()
		}
	}()
	return path, came
}
