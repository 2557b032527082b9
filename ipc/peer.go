package ipc

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Peer is who is at the other end of a Unix socket, as the kernel recorded it when
// the connection was made (unix(7), SO_PEERCRED). It cannot be forged by the peer.
type Peer struct {
	PID int32
	UID uint32
	GID uint32
}

// String gives the three numbers for logs.
func (p Peer) String() string { return fmt.Sprintf("pid %d uid %d gid %d", p.PID, p.UID, p.GID) }

func peerOf(fd int) (Peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, fmt.Errorf("ipc: peer credentials: %w", err)
	}
	return Peer{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid}, nil
}

// ended reports whether the peer's process is known to have ended. A number of 0 is of
// another namespace; one that is in use again, or waits for its parent, has not.
func (p Peer) ended() bool {
	return p.PID > 0 && errors.Is(unix.Kill(int(p.PID), 0), unix.ESRCH)
}

// SameUser admits peers that run under uid, and root.
func SameUser(uid uint32) func(Peer) error {
	return func(p Peer) error {
		if p.UID == uid || p.UID == 0 {
			return nil
		}
		return &StatusError{Status: StatusPermissionDenied, Text: fmt.Sprintf("uid %d is not admitted", p.UID)}
	}
}
