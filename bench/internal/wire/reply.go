package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mlbridge/mlbridge/ipc"
)

// Reply is what is read of an answer (ipc/PROTOCOL.md, 6.4 and 6.5).
type Reply struct {
	ID     uint64
	Status ipc.Status
	Source ipc.Source // when Status is ok
}

var errCut = errors.New("wire: a message that is cut")

// parse reads a message to a client: the reply to a call of one question, or an error
// about a call. Whatever else comes here means that the measurement is broken.
func parse(b []byte) (r Reply, err error) {
	kind, b, err := head(b)
	if err != nil {
		return r, err
	}
	if kind != 4 && kind != 5 {
		return r, fmt.Errorf("wire: a message of type %d", kind)
	}
	if r.ID, b, err = number(b); err != nil {
		return r, err
	}
	if kind == 4 {
		// [slot], and the slot's own head.
		if len(b) < 2 || b[0] != 0x91 || b[1]&0xf0 != 0x90 {
			return r, errCut
		}
		b = b[2:]
	}
	status, b, err := number(b)
	if err != nil {
		return r, err
	}
	r.Status = ipc.Status(status)
	if kind == 5 && r.ID == 0 {
		return r, fmt.Errorf("wire: the bridge ends the connection: %v", r.Status)
	}
	if r.Status != ipc.StatusOK || kind == 5 {
		return r, nil
	}
	for range 3 { // kind, prediction id, source
		if status, b, err = number(b); err != nil {
			return r, err
		}
	}
	r.Source = ipc.Source(status)
	return r, nil
}

// head reads an array's head and its first element, the type of the message.
func head(b []byte) (kind uint64, rest []byte, err error) {
	if len(b) < 2 || b[0]&0xf0 != 0x90 {
		return 0, nil, errCut
	}
	return number(b[1:])
}

// number reads an unsigned integer of any length.
func number(b []byte) (v uint64, rest []byte, err error) {
	if len(b) == 0 {
		return 0, nil, errCut
	}
	c, b := b[0], b[1:]
	if c < 0x80 {
		return uint64(c), b, nil
	}
	n := 1 << (c & 3) // cc, cd, ce, cf: 1, 2, 4 and 8 bytes
	if c < 0xcc || c > 0xcf || len(b) < n {
		return 0, nil, errCut
	}
	switch n {
	case 1:
		v = uint64(b[0])
	case 2:
		v = uint64(binary.BigEndian.Uint16(b))
	case 4:
		v = uint64(binary.BigEndian.Uint32(b))
	case 8:
		v = binary.BigEndian.Uint64(b)
	}
	return v, b[n:], nil
}
