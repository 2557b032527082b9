package doctor

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Host is what is looked at, and through what: tests have files and commands of their
// own.
type Host struct {
	Socket    string                                           // the bridge's; "" for where clients look
	Admin     string                                           // its admin socket; "" where that is off
	HTTP      string                                           // address of its HTTP API; "" for none
	Daemon    func(ctx context.Context) (*http.Client, string) // a client of mld and the base of its URLs; nil when the engine is in the bridge
	Dial      func(url string) (*http.Client, string)          // the same for an upstream that the running bridge names; nil where it is not asked
	Conns     int                                              // most connections it takes
	Proc      string                                           // "/proc"
	Sys       string                                           // "/sys"
	Run       string                                           // "/run"
	Sleeps    int                                              // of the timers' trial; 300
	Systemctl func(ctx context.Context, args ...string) (string, error)

	told   bool // HTTP is as the running bridge says
	asked  bool // Daemon is as the running bridge says
	bridge int  // the process that listens on the socket, once it was asked; 1 is systemd
}

// Here is the host this process runs on.
func Here() *Host {
	return &Host{Proc: "/proc", Sys: "/sys", Run: "/run", Sleeps: 300, Systemctl: systemctl}
}

// patience bounds each thing that somebody else has to answer.
const patience = 5 * time.Second

func systemctl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", args...).Output()
	return string(out), err
}

// Path is the bridge's socket.
func (h *Host) Path() (string, error) {
	if h.Socket != "" {
		return h.Socket, nil
	}
	return ipc.DefaultSocket()
}

// line reads a file of one line, "" where it cannot be read.
func line(elements ...string) string {
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first)
}

func exists(elements ...string) bool {
	_, err := os.Stat(filepath.Join(elements...))
	return err == nil
}
