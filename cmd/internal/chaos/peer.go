package chaos

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/cmd/internal/wire"
	"github.com/mlbridge/mlbridge/ipc"
)

// peer is a client that writes bytes of its own choosing.
type peer struct{ net.Conn }

// hello and ask are the frames of PROTOCOL.md, sections 6.1 and 6.3.
func hello() []byte { return wire.Message(0, 1, 1, "chaos-peer", 0) }

func ask(id uint64, budget time.Duration, q ipc.Request) []byte {
	return wire.Message(3, id, int64(budget), []any{[]any{uint8(q.Kind()), msgpack.RawMessage(ipc.AppendRequest(nil, q))}})
}

// dialPeer connects. A backlog that is full (EAGAIN, unix(7)) is waited for: peers come
// faster than a bridge that is not let onto a processor can take them.
func dialPeer(socket string) (*peer, error) {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(patience))
			return &peer{conn}, nil
		}
		if !errors.Is(err, unix.EAGAIN) || time.Now().After(end) {
			return nil, err
		}
	}
}

// pair is a connection of this process to itself.
func pair() (here, there net.Conn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	ends := make([]net.Conn, 0, 2)
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		end, e := net.FileConn(f)
		f.Close()
		if err = errors.Join(err, e); e == nil {
			ends = append(ends, end)
		}
	}
	if err != nil {
		for _, end := range ends {
			end.Close()
		}
		return nil, nil, err
	}
	return ends[0], ends[1], nil
}

// receive reads one frame's payload.
func (p *peer) receive() ([]byte, error) { return wire.Read(p, 1<<20) }

// errRefused is an answer that says no.
var errRefused = errors.New("refused")

// answer reads until the answer to one call.
func (p *peer) answer() (*ipc.Reply, error) {
	for {
		payload, err := p.receive()
		if err != nil {
			return nil, err
		}
		if !ipc.IsReply(payload) {
			continue // the hello
		}
		m, err := ipc.ParseReply(payload)
		switch {
		case err != nil:
			return nil, err
		case m.Refused != nil || len(m.Replies) != 1:
			return nil, errRefused
		}
		return &m.Replies[0], nil
	}
}
