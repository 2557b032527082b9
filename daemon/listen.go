package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
)

// DefaultAddress is where mld listens when nothing is configured.
const DefaultAddress = "127.0.0.1:9005"

// ErrInUse says that another process listens on the Unix socket.
var ErrInUse = errors.New("another process listens there")

// Listen opens "host:port" or "unix:/path". A Unix socket gets mode 0600. A socket
// file left over from a crash is replaced, but only after nobody answered on it.
// The error of a taken address says what to do about it.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		// The kernel would take these for names of its own choice or without a file,
		// which have no mode to keep others out.
		if path == "" || path[0] == '@' {
			return nil, fmt.Errorf("daemon: %q names no socket file", address)
		}
		return listenUnix(ctx, path)
	}
	if address == "" { // would be every interface on any port
		return nil, errors.New("daemon: empty address")
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("daemon: %s is taken by another process: stop it, or listen elsewhere with --listen (for example --listen 127.0.0.1:0)", address)
	}
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	return ln, nil
}

func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if err := ipc.CheckSocketPath(path); err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	if err := clearSocket(ctx, path); err != nil {
		return nil, fmt.Errorf("daemon: unix:%s: %w", path, err)
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		// The mode of the descriptor becomes the mode of the file that bind makes,
		// so there is no moment at which others could connect.
		var err error
		if cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); cerr != nil {
			return cerr
		}
		return err
	}}
	ln, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	return ln, nil
}

// clearSocket removes a socket file that nobody listens on.
func clearSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file that is no socket")
	}
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		c.Close()
		return fmt.Errorf("%w: stop it, or listen elsewhere with --listen", ErrInUse)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err // such as no permission to connect: not known to be dead
	}
	return os.Remove(path)
}
