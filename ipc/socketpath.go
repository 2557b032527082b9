package ipc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SocketEnv is the environment variable that names the bridge's socket.
const SocketEnv = "MLBRIDGE_SOCKET"

const (
	systemSocketDir = "/run/mlbridge"
	socketDirName   = "mlbridge"
	socketName      = "bridge.sock"
)

// ErrNoSocket says that no bridge's socket was found where one would be.
var ErrNoSocket = errors.New("ipc: no bridge socket found")

// CheckSocketPath says so where path is longer than a Unix socket's can be, 107 bytes
// (unix(7)); the kernel would call it an invalid argument.
func CheckSocketPath(path string) error {
	if most := len(unix.RawSockaddrUnix{}.Path) - 1; len(path) > most {
		return fmt.Errorf("socket path has %d bytes, at most %d fit: %s", len(path), most, path)
	}
	return nil
}

// socketPlaces is where a socket can be; a value, so that tests have their own.
type socketPlaces struct {
	named   string // by the environment; decides alone
	system  string // directory for a service
	runtime string // the user's runtime directory, "" when there is none
	temp    string // the temporary directory, which everybody may write
	uid     int
}

func placesHere() socketPlaces {
	return socketPlaces{
		named: os.Getenv(SocketEnv), system: systemSocketDir,
		runtime: os.Getenv("XDG_RUNTIME_DIR"), temp: os.TempDir(), uid: os.Getuid(),
	}
}

// DefaultSocket is the path a client connects to when none is configured:
// $MLBRIDGE_SOCKET, else the first socket there is of /run/mlbridge,
// $XDG_RUNTIME_DIR/mlbridge and a directory of the user's own in the temporary
// directory. The error wraps ErrNoSocket when there is none, or says that a
// directory in the temporary directory is not the user's own.
func DefaultSocket() (string, error) { return placesHere().forClient(socketName) }

// FindSocket is DefaultSocket for a socket of another name beside the bridge's. The
// environment has no say.
func FindSocket(name string) (string, error) {
	p := placesHere()
	p.named = ""
	return p.forClient(name)
}

// DefaultListenSocket is the path a server listens on when none is configured: the
// same places in the same order, the first whose directory can be written. It
// makes the directory inside the runtime or the temporary directory, mode 0700.
func DefaultListenSocket() (string, error) { return placesHere().forServer(socketName) }

// PlaceSocket is DefaultListenSocket for a socket of another name beside the
// bridge's. The environment has no say.
func PlaceSocket(name string) (string, error) {
	p := placesHere()
	p.named = ""
	return p.forServer(name)
}

func (p socketPlaces) forClient(name string) (string, error) {
	if p.named != "" {
		return p.named, nil
	}
	dirs := []string{p.system}
	if p.runtime != "" {
		dirs = append(dirs, filepath.Join(p.runtime, socketDirName))
	}
	for _, dir := range dirs {
		if path := filepath.Join(dir, name); isSocket(path) {
			return path, nil
		}
	}
	dir := p.own()
	path := filepath.Join(dir, name)
	if !isSocket(path) {
		return "", fmt.Errorf("%w: is it running? looked for %s in %v", ErrNoSocket, name, append(dirs, dir))
	}
	return path, p.checkOwn(dir)
}

func (p socketPlaces) forServer(name string) (string, error) {
	if p.named != "" {
		return p.named, nil
	}
	if writable(p.system) {
		return filepath.Join(p.system, name), nil
	}
	if p.runtime != "" && writable(p.runtime) {
		dir := filepath.Join(p.runtime, socketDirName)
		if err := makeDir(dir); err != nil {
			return "", err
		}
		return filepath.Join(dir, name), nil
	}
	dir := p.own()
	if err := makeDir(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, name), p.checkOwn(dir)
}

// own is the user's directory in the temporary directory. The uid in its name
// keeps users apart; checkOwn keeps them honest.
func (p socketPlaces) own() string {
	return filepath.Join(p.temp, fmt.Sprintf("%s-%d", socketDirName, p.uid))
}

// checkOwn refuses a directory that another user made first, to be asked in the
// bridge's place, or that others may enter. Links are not followed.
func (p socketPlaces) checkOwn(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return fmt.Errorf("ipc: socket directory %s: %w", dir, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("ipc: socket directory %s is no directory", dir)
	case int(st.Uid) != p.uid:
		return fmt.Errorf("ipc: socket directory %s belongs to uid %d, not %d", dir, st.Uid, p.uid)
	case st.Mode&0o077 != 0:
		return fmt.Errorf("ipc: socket directory %s has mode %#o, want 0700", dir, st.Mode&0o777)
	}
	return nil
}

func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("ipc: socket directory: %w", err)
	}
	return nil
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == fs.ModeSocket
}

func writable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }
