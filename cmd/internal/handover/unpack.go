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
	if _, err := memory.Seek(0, io.SeekStart); err != nil {
		return h, fmt.Errorf("handover: %w", err)
	}
	d, err := read(memory)
	if err != nil {
		return h, fmt.Errorf("handover: %w", err)
	}
	if len(d.Conns) != len(fds) {
		return h, fmt.Errorf("handover: %d descriptors for %d connections", len(fds), len(d.Conns))
	}
	h.Answers, h.Standings = d.Answers, d.Standings
	for i, c := range d.Conns {
		h.Conns = append(h.Conns, ipc.Handed{FD: fds[i], Greeted: c.Greeted, Told: c.told(), Unread: c.Unread, Unsent: c.Unsent})
	}
	return h, nil
}

// read reads what write wrote. A field that it does not know is an error: to step over one
// the library follows it however deep it is nested, and a stack that ends ends the process.
func read(in io.Reader) (d document, err error) {
	m := msgpack.NewDecoder(bufio.NewReaderSize(in, 1<<16))
	m.DisallowUnknownFields(true)
	if err := m.Decode(&d); err != nil {
		return document{}, err
	}
	if d.Version != version {
		return document{}, fmt.Errorf("version %d, want %d", d.Version, version)
	}
	return d, nil
}

// DecodeMsgpack reads one connection after the other, where the library would at once make
// room for as many as the length in front of them claims: 340 GB, for five bytes.
func (c *connections) DecodeMsgpack(m *msgpack.Decoder) error {
	n, err := m.DecodeArrayLen()
	for *c = nil; err == nil && len(*c) < n; {
		var next connection
		err = m.Decode(&next)
		*c = append(*c, next)
	}
	return err
}

// DecodeMsgpack reads piece by piece for the same reason.
func (b *block) DecodeMsgpack(m *msgpack.Decoder) error {
	const piece = 1 << 20
	n, err := m.DecodeBytesLen()
	for *b = nil; err == nil && len(*b) < n; {
		read := len(*b)
		*b = append(*b, make([]byte, min(n-read, piece))...)
		err = m.ReadFull((*b)[read:])
	}
	return err
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
