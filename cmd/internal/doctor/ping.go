package doctor

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/cmd/internal/wire"
	"github.com/mlbridge/mlbridge/ipc"
)

// Messages of ipc/PROTOCOL.md, sections 6.1 and 6.2. Pings take the way of a question
// through the bridge's loop and are counted nowhere: what doctor measures does not show
// in the bridge's figures, of which somebody may be looking for a fault.
const (
	typeHello = 0
	typePing  = 1
	typePong  = 2
	// mostHeard bounds a frame that is read: a hello or a pong.
	mostHeard = 4096
)

// ping measures n pings and their pongs on a connection of its own. It also gives the
// process that listens there, 1 where systemd does for it.
func ping(ctx context.Context, path string, n int) (took []time.Duration, pid int, err error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	pid = listener(c)
	if end, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(end)
	}
	in := bufio.NewReader(c)
	if err := exchange(c, in, typeHello, typeHello, ipc.Version, ipc.Version, "doctor", 0); err != nil {
		return nil, pid, fmt.Errorf("hello: %w", err)
	}
	start := time.Now()
	for token := range n {
		began := time.Now()
		if len(took) > 0 && began.Sub(start) > pingFor {
			break
		}
		if err := exchange(c, in, typePong, typePing, token); err != nil {
			return nil, pid, fmt.Errorf("ping: %w", err)
		}
		took = append(took, time.Since(began))
	}
	return took, pid, nil
}

// listener is the process that listens at the other end, as the kernel has it
// (unix(7), SO_PEERCRED); 0 where it does not say.
func listener(c net.Conn) (pid int) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}

// exchange writes a message and reads the next one, which must be of the type want.
func exchange(c net.Conn, in *bufio.Reader, want int, elements ...any) error {
	if _, err := c.Write(wire.Message(elements...)); err != nil {
		return err
	}
	payload, err := wire.Read(in, mostHeard)
	if err != nil {
		return err
	}
	// An array with a small integer in front: two bytes tell the message (PROTOCOL.md, 6).
	if len(payload) < 2 || payload[0]&0xf0 != 0x90 || int(payload[1]) != want {
		return fmt.Errorf("message % x, want one of type %d", payload[:min(len(payload), 8)], want)
	}
	return nil
}
