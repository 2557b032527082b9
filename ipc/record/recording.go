package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Recording is a whole file, its questions paired with their answers.
type Recording struct {
	Header   Header
	Calls    []Call // in the order of their arrival
	Outcomes int    // outcome messages
	Lost     uint64 // messages that are not in it
	Why      Why
	Cut      bool // it has no end: the bridge was killed, or its disk was full
}

// Call is a predict message and what became of it.
type Call struct {
	At       time.Duration // since recording began
	Conn     uint64
	Question []byte        // ipc.ParsePredict reads it
	Answer   []byte        // ipc.ParseReply reads it; nil when there was none
	Took     time.Duration // from the message's arrival in the bridge to its answer's departure
}

// Load reads a recording to its end. The error wraps ErrFormat, an *ipc.ProtocolError,
// or is in's; a recording that was cut off is none.
func Load(in io.Reader) (*Recording, error) {
	r, err := NewReader(in)
	if err != nil {
		return nil, err
	}
	out := &Recording{Header: r.Header}
	open := make(map[callID]int) // calls without an answer, by index into out.Calls
	for n := 1; ; n++ {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, ErrCut) {
			out.Lost, out.Why, out.Cut = r.Lost, r.Why, !r.Ended
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if err := out.take(&rec, open); err != nil {
			return nil, fmt.Errorf("record: message %d: %w", n, err)
		}
	}
}

// callID tells a call apart for as long as it is open: a peer may use an id again.
type callID struct{ conn, id uint64 }

func (out *Recording) take(rec *Record, open map[callID]int) error {
	switch {
	case rec.Type == ToBridge && ipc.IsOutcome(rec.Payload):
		out.Outcomes++
	case rec.Type == ToBridge:
		m, err := ipc.ParsePredict(rec.Payload)
		if err != nil {
			return err
		}
		open[callID{rec.Conn, m.ID}] = len(out.Calls)
		out.Calls = append(out.Calls, Call{At: rec.At, Conn: rec.Conn, Question: bytes.Clone(rec.Payload)})
	default:
		m, err := ipc.ParseReply(rec.Payload)
		if err != nil {
			return err
		}
		id := callID{rec.Conn, m.ID}
		i, ok := open[id]
		if !ok {
			return nil // its question was lost
		}
		delete(open, id)
		c := &out.Calls[i]
		c.Answer, c.Took = bytes.Clone(rec.Payload), max(rec.At-c.At, 0)
	}
	return nil
}
