package ipctest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/ipc"
)

// Conn is the fake bridge's side of one connection, as a step sees it.
type Conn struct {
	net.Conn
	Calls []Predict // received and not yet answered, oldest first

	gone chan struct{} // closed when the bridge closes
}

// Step is one thing that the fake bridge does.
type Step func(c *Conn) error

// Handler plays the bridge's side of a connection. When it returns, the
// connection is closed.
type Handler func(c *Conn) error

// Script runs the steps in order.
func Script(steps ...Step) Handler {
	return func(c *Conn) error {
		for i, step := range steps {
			if err := step(c); err != nil {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
		}
		return nil
	}
}

// ExpectType reads a message and fails unless it is of type t.
func ExpectType(t int) Step {
	return func(c *Conn) error {
		payload, err := readFrame(c)
		if err != nil {
			return err
		}
		var elements []msgpack.RawMessage
		if err := msgpack.Unmarshal(payload, &elements); err != nil {
			return err
		}
		var got int
		if err := decodeAll(elements, &got); err != nil {
			return err
		}
		if got != t {
			return fmt.Errorf("message type %d, want %d", got, t)
		}
		return nil
	}
}

// ExpectPredict reads a predict message and appends it to Calls.
func ExpectPredict() Step {
	return func(c *Conn) error {
		payload, err := readFrame(c)
		if err != nil {
			return err
		}
		p, err := decodePredict(payload)
		if err != nil {
			return err
		}
		c.Calls = append(c.Calls, p)
		return nil
	}
}

// Send writes raw bytes: Message, Frame or something broken.
func Send(b []byte) Step {
	return func(c *Conn) error {
		_, err := c.Write(b)
		return err
	}
}

// Handshake expects the client's hello and answers with h.
func Handshake(h Hello) Step {
	return func(c *Conn) error {
		if err := ExpectType(TypeHello)(c); err != nil {
			return err
		}
		return Send(h.frame())(c)
	}
}

// Answer makes the reply to one request.
type Answer func(q ipc.Request) ipc.Reply

// SendReply answers the oldest call that has no answer.
func SendReply(answer Answer) Step {
	return func(c *Conn) error {
		if len(c.Calls) == 0 {
			return errors.New("no call to answer")
		}
		p := c.Calls[0]
		c.Calls = c.Calls[1:]
		return Send(p.Reply(answer))(c)
	}
}

// SendLast answers the newest call that has no answer.
func SendLast(answer Answer) Step {
	return func(c *Conn) error {
		n := len(c.Calls)
		if n == 0 {
			return errors.New("no call to answer")
		}
		p := c.Calls[n-1]
		c.Calls = c.Calls[:n-1]
		return Send(p.Reply(answer))(c)
	}
}

// Reply encodes the frame that answers p.
func (p Predict) Reply(answer Answer) []byte {
	replies := make([]ipc.Reply, len(p.Requests))
	for i, q := range p.Requests {
		replies[i] = answer(q)
	}
	return ReplyTo(p.ID, replies)
}

// Serve answers every predict with answer, and every ping, until the client hangs up.
// Other messages are taken and ignored.
func Serve(answer Answer) Step {
	return func(c *Conn) error {
		for {
			payload, err := readFrame(c)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			frame := pong(payload)
			if p, err := decodePredict(payload); err == nil {
				frame = p.Reply(answer)
			}
			if frame == nil {
				continue // an outcome, a pong
			}
			if _, err := c.Write(frame); err != nil {
				return err
			}
		}
	}
}

// Await waits until ch is closed: where the script must not run ahead of the test.
func Await(ch <-chan struct{}) Step {
	return func(c *Conn) error {
		select {
		case <-ch:
		case <-c.gone:
		}
		return nil
	}
}

// Reached closes ch: where the test must not run ahead of the script.
func Reached(ch chan struct{}) Step {
	var once sync.Once
	return func(*Conn) error {
		once.Do(func() { close(ch) })
		return nil
	}
}

// Hang reads what comes, answers nothing, and ends when either side closes.
func Hang() Step {
	return func(c *Conn) error {
		_, _ = io.Copy(io.Discard, c)
		return nil
	}
}

// Deaf neither reads nor writes until the bridge is closed.
func Deaf() Step {
	return func(c *Conn) error {
		<-c.gone
		return nil
	}
}

// Dribble writes b one byte at a time, calling pause between two.
func Dribble(b []byte, pause func()) Step {
	return func(c *Conn) error {
		for i := range b {
			if i > 0 {
				pause()
			}
			if _, err := c.Write(b[i : i+1]); err != nil {
				return err
			}
		}
		return nil
	}
}
