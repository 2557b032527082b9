package handover

import (
	"fmt"
	"os"

	"github.com/vmihailenco/msgpack/v5"
	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/ipc"
)

// Name is what the descriptor is called in the service manager's store.
const Name = "handover"

const (
	version = 1
	// perMessage is the kernel's bound on descriptors in a message.
	perMessage = 253
)

// document is the memfd's content.
type document struct {
	Version   int
	Conns     connections
	Answers   block
	Standings block // absent from a process that did not know it
}

// connections and block are read with care: see their DecodeMsgpack.
type (
	connections []connection
	block       []byte
)

// connection is an ipc.Handed without its descriptor.
type connection struct {
	Greeted                bool
	Frame, Batch, InFlight int // what the peer was told
	Unread, Unsent         block
}

// Pack fills a descriptor with h, whose connections it closes in this process.
func Pack(h bridge.Handover) (*os.File, error) {
	defer func() {
		for _, c := range h.Conns {
			unix.Close(c.FD)
		}
	}()
	fds := make([]int, 1, len(h.Conns)+1)
	d := document{Version: version, Answers: h.Answers, Standings: h.Standings}
	for _, c := range h.Conns {
		d.Conns = append(d.Conns, connection{c.Greeted, c.Told.Frame, c.Told.Batch, c.Told.InFlight, c.Unread, c.Unsent})
		fds = append(fds, c.FD)
	}
	memory, err := write(&d)
	if err != nil {
		return nil, fmt.Errorf("handover: %w", err)
	}
	defer memory.Close()
	fds[0] = int(memory.Fd())
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("handover: %w", err)
	}
	defer unix.Close(pair[1])
	queue := os.NewFile(uintptr(pair[0]), Name)
	for first := 0; first < len(fds); {
		n := 1 // the memfd has a message of its own
		if first > 0 {
			n = min(perMessage, len(fds)-first)
		}
		if err := unix.Sendmsg(pair[1], []byte{version}, unix.UnixRights(fds[first:first+n]...), nil, unix.MSG_NOSIGNAL); err != nil {
			queue.Close()
			return nil, fmt.Errorf("handover: %d of %d descriptors: %w", first, len(fds), err)
		}
		first += n
	}
	return queue, nil
}

func write(d *document) (*os.File, error) {
	fd, err := unix.MemfdCreate("mlbridge-"+Name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), Name)
	if err := msgpack.NewEncoder(f).Encode(d); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// told are the limits a peer knows of.
func (c *connection) told() ipc.Limits {
	return ipc.Limits{Frame: c.Frame, Batch: c.Batch, InFlight: c.InFlight}
}
