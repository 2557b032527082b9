package payload

import (
	"encoding/binary"

	"github.com/mlbridge/mlbridge/ipc"
)

// ReplyBytes is the length of the reply frame that ml-bridge sends to a workload
// question here, length prefix included. The floor's server answers with as many.
const ReplyBytes = 71

// Budget is what the rows give every call: long, because a row measures how long the
// model's answer takes and not what comes instead of it.
const BudgetNs = 500_000_000

// Hello is a client's first frame (ipc/PROTOCOL.md, section 6.1), written by hand like
// the other frames here: the floor's client is C and must be given bytes.
func Hello() []byte {
	body := []byte{0x95, 0x00, 0x01, 0x01, 0xa5, 'b', 'e', 'n', 'c', 'h', 0x00}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// Frames gives n predict frames of one workload question each: the first n of the
// sequence, or the hot one n times. Call ids count from 1.
func Frames(n int, hot bool) []byte {
	q := New(ipc.Workload)
	var b []byte
	for i := range n {
		if hot {
			Fill(q, Hot)
		} else {
			Fill(q, i)
		}
		b = AppendPredict(b, uint32(i+1), BudgetNs, q)
	}
	return b
}

// AppendPredict writes [3, id, budget, [[kind, request]]] behind its length. The budget
// is in ns, 0 for the server's default. The id takes the shortest form, as the
// specification asks; the budget always takes 32 bits, which a reader accepts too.
func AppendPredict(b []byte, id, budget uint32, q ipc.Request) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0x94, 0x03)
	switch {
	case id < 0x80:
		b = append(b, byte(id))
	case id < 1<<8:
		b = append(b, 0xcc, byte(id))
	case id < 1<<16:
		b = append(b, 0xcd, byte(id>>8), byte(id))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 0xce), id)
	}
	b = binary.BigEndian.AppendUint32(append(b, 0xce), budget)
	b = append(b, 0x91, 0x92, byte(q.Kind()))
	b = ipc.AppendRequest(b, q)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}
