package ipctest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/ipc"
)

// Message types (PROTOCOL.md, "Messages").
const (
	TypeHello   = 0
	TypePing    = 1
	TypePong    = 2
	TypePredict = 3
	TypeReply   = 4
	TypeError   = 5
	TypeOutcome = 6
	TypeGoAway  = 7
)

// maxFrame is far above what a test sends.
const maxFrame = 16 << 20

// Frame puts the length prefix before payload.
func Frame(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

// Message encodes a message of plain elements as a frame. Raw bytes that are
// msgpack already are passed as msgpack.RawMessage.
func Message(elements ...any) []byte {
	var b bytes.Buffer
	e := msgpack.NewEncoder(&b)
	e.UseCompactInts(true)
	if err := e.Encode(elements); err != nil {
		panic(fmt.Sprintf("ipctest: message that cannot be encoded: %v", err))
	}
	return Frame(b.Bytes())
}

// Hello is a server's hello.
type Hello struct {
	VersionMin, VersionMax uint64
	Name                   string
	Limits                 ipc.Limits // Frame, Batch, InFlight, Budget
}

// DefaultHello announces version 1 and the default limits.
func DefaultHello() Hello {
	return Hello{VersionMin: ipc.Version, VersionMax: ipc.Version, Name: "fake", Limits: ipc.DefaultLimits()}
}

func (h Hello) frame() []byte {
	l := h.Limits
	return Message(TypeHello, h.VersionMin, h.VersionMax, h.Name, 0, l.Frame, l.Batch, l.InFlight, int64(l.Budget))
}

// Predict is a predict message as it arrived.
type Predict struct {
	ID           uint64
	Budget       int64 // ns
	Requests     []ipc.Request
	RequireModel bool
	Class        ipc.Class
}

// ReplyTo encodes the reply frame that answers call id.
func ReplyTo(id uint64, replies []ipc.Reply) []byte {
	slots := make([]any, len(replies))
	for i := range replies {
		r := &replies[i]
		if r.Status != ipc.StatusOK {
			slots[i] = []any{uint8(r.Status), r.Error}
			continue
		}
		slot := []any{
			0, uint8(r.Kind), r.PredictionID, uint8(r.Source), uint8(r.Reason), int64(r.Age), r.Model,
			msgpack.RawMessage(ipc.AppendPrediction(nil, &r.Prediction)),
		}
		if r.Ruled != 0 {
			slot = append(slot, uint8(r.Ruled))
		}
		slots[i] = slot
	}
	return Message(TypeReply, id, slots)
}

// readFrame reads one frame's payload.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxFrame {
		return nil, fmt.Errorf("ipctest: frame of %d bytes", n)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return payload, err
}

// decodePredict reads a predict message by the tables of the specification.
func decodePredict(payload []byte) (p Predict, err error) {
	var elements []msgpack.RawMessage
	if err := msgpack.Unmarshal(payload, &elements); err != nil {
		return p, fmt.Errorf("ipctest: message: %w", err)
	}
	var kind int
	if err := decodeAll(elements, &kind, &p.ID, &p.Budget); err != nil {
		return p, err
	}
	if kind != TypePredict || len(elements) < 4 {
		return p, fmt.Errorf("ipctest: want a predict, got type %d with %d elements", kind, len(elements))
	}
	var slots [][]msgpack.RawMessage
	if err := msgpack.Unmarshal(elements[3], &slots); err != nil {
		return p, fmt.Errorf("ipctest: slots: %w", err)
	}
	for _, slot := range slots {
		q, err := decodeSlot(slot)
		if err != nil {
			return p, err
		}
		p.Requests = append(p.Requests, q)
	}
	if len(elements) > 4 {
		var flags uint64
		if err := msgpack.Unmarshal(elements[4], &flags); err != nil {
			return p, fmt.Errorf("ipctest: flags: %w", err)
		}
		p.RequireModel, p.Class = flags&1 != 0, ipc.Class(flags>>1&3)
	}
	return p, nil
}

func decodeSlot(slot []msgpack.RawMessage) (ipc.Request, error) {
	var kind uint8
	if err := decodeAll(slot, &kind); err != nil || len(slot) < 2 {
		return nil, fmt.Errorf("ipctest: slot of %d elements: %w", len(slot), err)
	}
	q := ipc.NewRequest(ipc.Kind(kind))
	if q == nil {
		return nil, fmt.Errorf("ipctest: kind %d", kind)
	}
	_, err := ipc.ParseRequest(slot[1], q)
	return q, err
}

// decodeAll decodes the first elements into values.
func decodeAll(elements []msgpack.RawMessage, values ...any) error {
	if len(elements) < len(values) {
		return fmt.Errorf("ipctest: %d elements, want %d", len(elements), len(values))
	}
	for i, v := range values {
		if err := msgpack.Unmarshal(elements[i], v); err != nil {
			return fmt.Errorf("ipctest: element %d: %w", i, err)
		}
	}
	return nil
}

// pong gives the frame that answers a ping, nil for any other message.
func pong(payload []byte) []byte {
	var elements []any
	if err := msgpack.Unmarshal(payload, &elements); err != nil || len(elements) != 2 || fmt.Sprint(elements[0]) != fmt.Sprint(TypePing) {
		return nil
	}
	return Message(TypePong, elements[1])
}
