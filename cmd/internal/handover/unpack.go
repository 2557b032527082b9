package handover

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vmihailenco/msgpack/v5"
	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/ipc"
)

// Unpack reads a descriptor that Pack filled, and closes it. Where it cannot be read,
// or is of another version, every connection in it is closed: its peer then connects
// anew, as after a restart without a hand-over.
func Unpack(queue *os.File) (h bridge.Handover, err error) {
	defer queue.Close()
	fds, err := receive(int(queue.Fd()))
	defer func() {
		if err != nil {
			closeAll(fds)
		}
	}()
	if err != nil {
		return h, err
	}
	if len(fds) == 0 {
		return h, errors.New("handover: nothing in it")
	}
	memory := os.NewFile(uintptr(fds[0]), Name)
	fds = fds[1:]
	defer memory.Close()
	var d document
	if _, err := memory.Seek(0, io.SeekStart); err != nil {
		return h, fmt.Errorf("handover: %w", err)
	}
	if err := msgpack.NewDecoder(bufio.NewReaderSize(memory, 1<<16)).Decode(&d); err != nil {
		return h, fmt.Errorf("handover: %w", err)
	}
	switch {
	case d.Version != version:
		return h, fmt.Errorf("handover: version %d, want %d", d.Version, version)
	case len(d.Conns) != len(fds):
		return h, fmt.Errorf("handover: %d descriptors for %d connections", len(fds), len(d.Conns))
	}
	h.Answers, h.Standings = d.Answers, d.Standings
	for i, c := range d.Conns {
		h.Conns = append(h.Conns, ipc.Handed{FD: fds[i], Greeted: c.Greeted, Told: c.told(), Unread: c.Unread, Unsent: c.Unsent})
	}
	return h, nil
}

// receive takes the descriptors out of the queue.
func receive(queue int) (fds []int, err error) {
	if err := unix.SetNonblock(queue, true); err != nil {
		return nil, fmt.Errorf("handover: %w", err)
	}
	room := make([]byte, unix.CmsgSpace(perMessage*4))
	for {
		n, length, flags, _, err := unix.Recvmsg(queue, make([]byte, 1), room, unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fds, fmt.Errorf("handover: %w", err)
		case n == 0:
			return fds, nil
		}
		messages, err := unix.ParseSocketControlMessage(room[:length])
		if err != nil {
			return fds, fmt.Errorf("handover: %w", err)
		}
		for i := range messages {
			some, err := unix.ParseUnixRights(&messages[i])
			if err != nil {
				return fds, fmt.Errorf("handover: %w", err)
			}
			fds = append(fds, some...)
		}
		if flags&unix.MSG_CTRUNC != 0 { // the descriptor limit is lower than it was
			return fds, errors.New("handover: not all descriptors could be taken: raise the limit of open files")
		}
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
