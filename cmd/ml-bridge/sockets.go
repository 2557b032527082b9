package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/ipc"
)

// What the sockets of the service's units are called (FileDescriptorName=).
const (
	passedBridge = "bridge"
	passedHTTP   = "http"
	passedAdmin  = "admin"
)

// listenSocket gives the bridge's socket and its path: the one that the service manager
// passed, or one of its own. It decides who is admitted, too.
func listenSocket(f *flags, cfg *bridge.Config, passed *systemd.Passed) (*ipc.Listener, string, error) {
	ln, path, open, err := passedSocket(passed)
	if err != nil {
		return nil, "", fmt.Errorf("socket passed by the service manager: %w", err)
	}
	if ln == nil {
		mode, err := f.mode()
		if err != nil {
			return nil, "", err
		}
		open = mode != 0o600
		if ln, path, err = ownSocket(f.Socket, mode); err != nil {
			return nil, "", err
		}
	}
	peers, err := f.peers()
	if err != nil {
		return nil, "", err
	}
	if !open {
		// The mode says it already; this holds even if somebody changes the file's.
		peers.admit = ipc.SameUser(uint32(os.Geteuid()))
	}
	cfg.Server.Admit, cfg.Server.Quota = peers.Admit, peers.Quota
	return ln, path, nil
}

func ownSocket(path string, mode fs.FileMode) (*ipc.Listener, string, error) {
	if path == "" {
		var err error
		if path, err = ipc.DefaultListenSocket(); err != nil {
			return nil, "", err
		}
	}
	ln, err := ipc.Listen(path, mode)
	if errors.Is(err, ipc.ErrInUse) {
		return nil, "", fmt.Errorf("another ml-bridge answers on %s: stop it, or give this one a socket with --socket", path)
	}
	return ln, path, err
}

// passedSocket gives the bridge's socket as passed by the service manager, nil where
// there is none, with its path and whether its mode lets others than its owner in.
func passedSocket(passed *systemd.Passed) (ln *ipc.Listener, path string, open bool, err error) {
	files := passed.Take(passedBridge)
	if len(files) == 0 {
		return nil, "", false, nil
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if len(files) > 1 {
		return nil, "", false, fmt.Errorf("%d sockets are called %q, want one", len(files), passedBridge)
	}
	fd, err := unix.FcntlInt(files[0].Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, "", false, err
	}
	if ln, err = ipc.ListenerFromFD(fd); err != nil {
		unix.Close(fd)
		return nil, "", false, err
	}
	address, err := unix.Getsockname(fd)
	if named, ok := address.(*unix.SockaddrUnix); ok && err == nil {
		path = named.Name
	}
	info, err := os.Stat(path)
	if err != nil {
		ln.Close()
		return nil, "", false, fmt.Errorf("the passed socket's file: %w", err)
	}
	return ln, path, info.Mode().Perm()&0o077 != 0, nil
}

// listenHTTP gives the HTTP API's socket: the one that the service manager passed, or
// one on address, or nil where that is "".
func listenHTTP(address string, passed *systemd.Passed) (net.Listener, error) {
	ln, err := passed.Listener(passedHTTP)
	if ln != nil || err != nil || address == "" {
		return ln, err
	}
	ln, err = net.Listen("tcp", address)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another process: stop it, or choose another address with --http", address)
	}
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	return ln, nil
}
