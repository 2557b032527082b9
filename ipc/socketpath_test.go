package ipc

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// placesIn gives a world of directories of its own: the system's and the
// runtime's are missing until made.
func placesIn(t *testing.T) socketPlaces {
	t.Helper()
	root := t.TempDir()
	temp := filepath.Join(root, "tmp")
	if err := os.Mkdir(temp, 0o777); err != nil {
		t.Fatal(err)
	}
	return socketPlaces{
		system: filepath.Join(root, "run", "mlbridge"), runtime: filepath.Join(root, "user"),
		temp: temp, uid: os.Getuid(),
	}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

func listenAt(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
}

func TestSocketPathOrder(t *testing.T) {
	p := placesIn(t)
	if _, err := p.forClient(socketName); !errors.Is(err, ErrNoSocket) {
		t.Errorf("client with no bridge anywhere: %v, want ErrNoSocket", err)
	}
	// From the last resort to the first choice: each new one wins over those before.
	for _, step := range []struct {
		make func()
		want string
	}{
		{func() {}, filepath.Join(p.own(), socketName)},
		{func() { mkdir(t, p.runtime) }, filepath.Join(p.runtime, "mlbridge", socketName)},
		{func() { mkdir(t, p.system) }, filepath.Join(p.system, socketName)},
		{func() { p.named = filepath.Join(p.temp, "named.sock") }, filepath.Join(p.temp, "named.sock")},
	} {
		step.make()
		got, err := p.forServer(socketName)
		if err != nil || got != step.want {
			t.Fatalf("server: %q, %v, want %q", got, err, step.want)
		}
		listenAt(t, got)
		if got, err := p.forClient(socketName); err != nil || got != step.want {
			t.Errorf("client: %q, %v, want the server's %q", got, err, step.want)
		}
	}
}

func TestSocketPathClientTakesTheOneThatExists(t *testing.T) {
	p := placesIn(t)
	mkdir(t, p.system) // can be written, but nobody listens there
	mkdir(t, filepath.Join(p.runtime, "mlbridge"))
	want := filepath.Join(p.runtime, "mlbridge", socketName)
	listenAt(t, want)
	if got, err := p.forClient(socketName); err != nil || got != want {
		t.Errorf("client: %q, %v, want %q", got, err, want)
	}
}

func TestSocketPathRefusesDirectoriesOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *socketPlaces)
		want  string
	}{
		"another user's": {func(p *socketPlaces) {
			p.uid++ // the directory is this user's, the asker another
			mkdir(t, p.own())
		}, "belongs to uid"},
		"open to others": {func(p *socketPlaces) {
			mkdir(t, p.own())
			if err := os.Chmod(p.own(), 0o750); err != nil {
				t.Fatal(err)
			}
		}, "want 0700"},
		"a link": {func(p *socketPlaces) {
			mkdir(t, p.runtime)
			if err := os.Symlink(p.runtime, p.own()); err != nil {
				t.Fatal(err)
			}
			p.runtime = ""
		}, "is no directory"},
	} {
		p := placesIn(t)
		c.spoil(&p)
		if _, err := p.forServer(socketName); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, server: %v, want an error with %q", name, err, c.want)
		}
		listenAt(t, filepath.Join(p.own(), socketName))
		if _, err := p.forClient(socketName); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, client: %v, want an error with %q", name, err, c.want)
		}
	}
}

func TestSocketPathMakesItsDirectoryPrivate(t *testing.T) {
	p := placesIn(t)
	if _, err := p.forServer(socketName); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(p.own())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v, want mode 0700", info.Mode(), err)
	}
}
