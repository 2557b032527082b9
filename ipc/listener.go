package ipc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Listener is a listening Unix stream socket.
type Listener struct {
	fd   int
	path string // to unlink on Close; "" for a socket somebody else made
	id   fileID // of the socket file, so that a successor's is never unlinked
}

type fileID struct{ dev, ino uint64 }

// ErrInUse says that another process answers on the socket.
var ErrInUse = errors.New("ipc: socket in use")

const listenBacklog = 4096 // cut to net.core.somaxconn by the kernel

// Listen makes the socket file path with the given permissions and listens on it.
// Its directory must exist. A leftover file of a process that is gone is replaced;
// where somebody answers on it, the error wraps ErrInUse.
func Listen(path string, mode fs.FileMode) (*Listener, error) {
	if err := CheckSocketPath(path); err != nil {
		return nil, fmt.Errorf("ipc: listen: %w", err)
	}
	unlock, err := lockDirectory(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := clearLeftover(path); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("ipc: listen: socket: %w", err)
	}
	l := &Listener{fd: fd, path: path}
	if err := l.bind(mode); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return l, nil
}

// bind sets the mode on the socket before it has a name: bind(2) gives the file
// the socket's own mode, so there is no moment at which it is open to others.
func (l *Listener) bind(mode fs.FileMode) error {
	if err := unix.Fchmod(l.fd, uint32(mode.Perm())); err != nil {
		return fmt.Errorf("ipc: listen: chmod: %w", err)
	}
	if err := unix.Bind(l.fd, &unix.SockaddrUnix{Name: l.path}); err != nil {
		return fmt.Errorf("ipc: listen: bind %s: %w", l.path, err)
	}
	if err := l.open(mode); err != nil {
		_ = os.Remove(l.path) // it is ours: bind made it
		return fmt.Errorf("ipc: listen: %w", err)
	}
	return nil
}

// open makes the bound socket ready for connections.
func (l *Listener) open(mode fs.FileMode) (err error) {
	// The umask may have taken bits away (0660 for a group); this puts them back.
	if err := os.Chmod(l.path, mode.Perm()); err != nil {
		return err
	}
	if err := unix.Listen(l.fd, listenBacklog); err != nil {
		return err
	}
	l.id, err = identify(l.path)
	return err
}

// ListenerFromFD takes over a listening socket that a service manager opened. Its
// file is never unlinked.
func ListenerFromFD(fd int) (*Listener, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return nil, fmt.Errorf("ipc: inherited descriptor: %w", err)
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return nil, fmt.Errorf("ipc: inherited descriptor: %w", err)
	}
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return nil, fmt.Errorf("ipc: inherited descriptor: %w", err)
	}
	// Over any other kind of socket peer credentials would mean nothing.
	if domain != unix.AF_UNIX || kind != unix.SOCK_STREAM || listens == 0 {
		return nil, errors.New("ipc: inherited descriptor is no listening unix stream socket")
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("ipc: inherited descriptor: %w", err)
	}
	unix.CloseOnExec(fd)
	return &Listener{fd: fd}, nil
}

// Close stops listening and removes the socket file, if it is still this
// listener's own.
func (l *Listener) Close() error {
	if l.fd < 0 {
		return nil
	}
	if l.path != "" {
		if id, err := identify(l.path); err == nil && id == l.id {
			_ = os.Remove(l.path)
		}
	}
	err := unix.Close(l.fd)
	l.fd = -1
	return err
}

// lockPatience is how long another process may be busy with the same directory.
const lockPatience = 2 * time.Second

// lockDirectory keeps others that start at this moment from taking the socket that
// this one has bound, but does not listen on yet, for a leftover. The lock goes with
// the descriptor, so a process that dies leaves none behind.
func lockDirectory(dir string) (unlock func(), err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("ipc: listen: directory %s: %w", dir, err)
	}
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(time.Millisecond) {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { unix.Close(fd) }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || time.Now().After(deadline) {
			unix.Close(fd)
			return nil, fmt.Errorf("ipc: listen: lock %s: %w", dir, err)
		}
	}
}

// clearLeftover removes a socket file that nobody listens on. It connects first: a
// file alone says nothing about its process.
func clearLeftover(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ipc: listen: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("ipc: listen: %s exists and is no socket", path)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("ipc: listen: socket: %w", err)
	}
	defer unix.Close(fd)
	switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); {
	case errors.Is(err, unix.ECONNREFUSED):
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("ipc: listen: remove leftover socket: %w", err)
		}
		return nil
	case err == nil, errors.Is(err, unix.EAGAIN): // EAGAIN: its backlog is full, so it lives
		return fmt.Errorf("%w: %s", ErrInUse, path)
	default:
		return fmt.Errorf("ipc: listen: %s exists: %w", path, err)
	}
}

func identify(path string) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Lstat(filepath.Clean(path), &st); err != nil {
		return fileID{}, err
	}
	return fileID{dev: uint64(st.Dev), ino: st.Ino}, nil
}
