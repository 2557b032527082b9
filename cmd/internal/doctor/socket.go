package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// socket looks at the bridge's socket file, who may use it, and asks on it.
func (h *Host) socket(ctx context.Context) []Finding {
	const area = "socket"
	path, err := h.Path()
	if err != nil {
		return []Finding{found(area, Failure, "Start ml-bridge (systemctl start ml-bridge.socket ml-bridge.service, or by hand), or say where its socket is with --socket.", "%v", err)}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return []Finding{found(area, Failure, "Run doctor as root or as a user who may enter the folder.", "%s cannot be looked at: %v", path, err)}
	case err != nil:
		return []Finding{found(area, Failure, "Start ml-bridge, or say where its socket is with --socket.", "there is no socket at %s: %v", path, err)}
	case info.Mode().Type() != fs.ModeSocket:
		return []Finding{found(area, Failure, "Move the file away and start ml-bridge.", "%s is no socket", path)}
	}
	out := []Finding{permissions(area, path, info)}
	if dir, err := os.Stat(filepath.Dir(path)); err == nil && dir.Mode().Perm()&0o002 != 0 && dir.Mode()&fs.ModeSticky == 0 {
		out = append(out, found(area, Failure, "chmod o-w "+filepath.Dir(path), "every user can replace the socket: its folder is open to them (%v)", dir.Mode()))
	}
	return append(out, h.ask(ctx, path)...)
}

func permissions(area, path string, info fs.FileInfo) Finding {
	mode, owner := info.Mode().Perm(), ""
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = fmt.Sprintf(", uid %d, gid %d", st.Uid, st.Gid)
	}
	if mode&0o007 != 0 {
		return found(area, Failure, "Give the socket a group instead: SocketMode=0660 in the unit, --socket-mode=0660 by hand.", "%s is open to every user (%04o%s)", path, mode, owner)
	}
	return good(area, "%s, mode %04o%s", path, mode, owner)
}

const (
	pings   = 200
	pingFor = time.Second // at most
	// asks is how often the question is asked until it is answered in time: on a machine
	// that is busy with other things, once is no more than chance.
	asks = 5
)

// ask asks the bridge one question as others do, and times it by pings.
func (h *Host) ask(ctx context.Context, path string) []Finding {
	const area = "bridge"
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := ipc.Dial(ctx, path, ipc.ClientConfig{Name: "doctor"})
	if errors.Is(err, fs.ErrPermission) {
		return []Finding{found(area, Failure, "Be in the socket's group (usermod -aG mlbridge USER, and log in again), or run doctor as root.", "this user may not connect: %v", err)}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return []Finding{found(area, Failure, "It hangs, or is stopped. kill -QUIT has it print what it waits for, and end; then start it again.", "it takes connections and says nothing for %v", patience)}
	}
	if err != nil {
		return []Finding{found(area, Failure, h.seeWhy("ml-bridge"), "nobody answers on the socket: %v", err)}
	}
	defer c.Close()
	q := &ipc.FailureRequest{Component: "doctor", HealthScore: 1, TimeSinceLastFailure: ^uint64(0)}
	replies := make([]ipc.Reply, 1)
	for range asks {
		if err := c.Predict(ctx, []ipc.Request{q}, replies, ipc.Options{Budget: 100 * time.Millisecond}); err != nil {
			return []Finding{found(area, Failure, h.seeWhy("ml-bridge"), "it takes connections and answers no questions: %v", err)}
		}
		if replies[0].Status != ipc.StatusDeadlineExceeded {
			break
		}
	}
	took, pid, err := ping(ctx, path, pings)
	h.bridge = pid
	if err != nil {
		return []Finding{found(area, Failure, h.seeWhy("ml-bridge"), "it answers questions and no pings: %v", err)}
	}
	slices.Sort(took)
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	text := fmt.Sprintf("%s answers: %v, from %s; %d pings took %v (median) to %v (99 %%)", c.ServerName(), replies[0].Status, replies[0].Source, len(took), p50, p99)
	if p99 > time.Millisecond {
		return []Finding{found(area, Warning, "Look at timers, processors, cgroups and pressure below: the bridge itself takes tens of microseconds.", "%s: over the budget of 1 ms", text)}
	}
	return []Finding{good(area, "%s", text)}
}

// admin looks at the admin socket.
func (h *Host) admin(context.Context) []Finding {
	const area = "admin"
	if h.Admin == "" {
		return nil
	}
	info, err := os.Stat(h.Admin)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{found(area, Note, "Without it there is no drain, no profile and no model action: systemctl start ml-bridge-admin.socket, or by hand ml-bridge without --admin=off.", "there is no admin socket at %s", h.Admin)}
	case err != nil:
		return []Finding{found(area, Note, "Run doctor as root.", "%s cannot be looked at: %v", h.Admin, err)}
	case info.Mode().Perm() != 0o600:
		return []Finding{found(area, Failure, "chmod 0600 "+h.Admin, "%s has mode %04o: it is for one user alone", h.Admin, info.Mode().Perm())}
	}
	return []Finding{good(area, "%s, mode 0600", h.Admin)}
}

// http asks the HTTP API how the bridge is.
func (h *Host) http(ctx context.Context) []Finding {
	const area = "http"
	if h.HTTP == "" {
		return nil
	}
	var health struct {
		Status  string
		Reasons []string
	}
	code, err := getJSON(ctx, http.DefaultClient, "http://"+h.HTTP+"/health", &health)
	switch {
	case err != nil && code != 0:
		return []Finding{found(area, Warning, "Stop it, or give ml-bridge another address with --http.", "what answers on http://%s is no ml-bridge: /health has status %d and is not its JSON%s: %v", h.HTTP, code, unless(h.told), err)}
	case err != nil:
		return []Finding{found(area, Warning, "Is it on another address (--http), or off? The socket does not need it; metrics and the page do.", "nobody answers on http://%s%s: %v", h.HTTP, unless(h.told), err)}
	case health.Status != "healthy":
		var out []Finding
		for _, why := range health.Reasons {
			out = append(out, found(area, Warning, "docs/operations.md says what to do about it, under the same words; packages have it in /usr/share/doc/mlbridge.", "/health: %s", why))
		}
		if len(out) > 0 {
			return out
		}
		return []Finding{found(area, Warning, "Look at the page and at the log: journalctl -u ml-bridge -p warning.", "/health says %s (%d)", health.Status, code)}
	}
	return []Finding{good(area, "http://%s is healthy", h.HTTP)}
}
