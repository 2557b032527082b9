package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// peerFaults come from other clients of the socket.
func peerFaults() []Fault {
	out := []Fault{
		{
			Group: "frames", Name: "frames: split at every byte", Short: true,
			What: "peers whose hello and question arrive in two pieces, cut at every byte in turn: each must be answered, rightly",
			do:   everyByte((*Trial).split),
		},
		{
			Group: "frames", Name: "frames: dribbled",
			What: "peers that send theirs a byte at a time: each must be answered, rightly",
			do: func(ctx context.Context, t *Trial) error {
				n, err := t.until(ctx, t.dribble)
				t.note("%d peers, all answered", n)
				return err
			},
		},
		{
			Group: "frames", Name: "frames: corrupted at every byte", Short: true,
			What: "peers with a bit of theirs flipped, at every byte in turn: they get an answer, an error or the end of the connection",
			do:   everyByte((*Trial).corrupt),
		},
		{
			Group: "frames", Name: "frames: cut at every byte",
			What: "peers that hang up in the middle, at every byte in turn",
			do:   everyByte((*Trial).cut),
		},
	}
	for _, mode := range Modes {
		out = append(out, Fault{
			Group: "peers", Name: "peer: " + mode.Name, What: mode.What, Short: mode.Name == "never reads",
			do: func(ctx context.Context, t *Trial) error {
				p, err := t.env.startHelper(HelperPlan{Socket: t.socket, Mode: mode.Name}, nil)
				if err != nil {
					return err
				}
				t.at(ctx, mended)
				p.Kill()
				return nil
			},
		})
	}
	return out
}

// session is what a peer says: a hello and a question with room to be answered.
func (t *Trial) session() (bytes []byte, question int) {
	i, q := t.env.Oracle.Question(0)
	return append(hello(), ask(7, time.Second, q)...), i
}

// everyByte does something with byte 0, 1, 2, … of a session, and begins anew, until the
// time is over; at least every byte once.
func everyByte(do func(t *Trial, at int) error) func(context.Context, *Trial) error {
	return func(ctx context.Context, t *Trial) error {
		bytes, _ := t.session()
		n := 0
		for ; n < len(bytes) || time.Since(t.began) < time.Duration(mended*float64(t.env.For)); n++ {
			if err := do(t, n%len(bytes)); err != nil {
				return fmt.Errorf("at byte %d of %d: %w", n%len(bytes), len(bytes), err)
			}
			if ctx.Err() != nil {
				break
			}
		}
		t.note("%d peers, %d bytes each", n, len(bytes))
		return nil
	}
}

// pieces sends the session in pieces and checks its answer.
func (t *Trial) pieces(question int, pieces ...[]byte) error {
	p, err := dialPeer(t.socket)
	if err != nil {
		return err
	}
	defer p.Close()
	for i, b := range pieces {
		if i > 0 {
			time.Sleep(200 * time.Microsecond) // for the bridge to read what there is
		}
		if _, err := p.Write(b); err != nil {
			return err
		}
	}
	r, err := p.answer()
	if err != nil {
		return err
	}
	if what := t.env.Oracle.Wrong(question, r); what != "" {
		t.row.Wrong++
		t.note("%s", what)
	}
	return nil
}

func (t *Trial) split(at int) error {
	bytes, question := t.session()
	return t.pieces(question, bytes[:at], bytes[at:])
}

func (t *Trial) dribble() error {
	bytes, question := t.session()
	var pieces [][]byte
	for i := range bytes {
		pieces = append(pieces, bytes[i:i+1])
	}
	return t.pieces(question, pieces...)
}

func (t *Trial) cut(at int) error {
	bytes, _ := t.session()
	p, err := dialPeer(t.socket)
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = p.Write(bytes[:at])
	return err
}

// corrupt flips a bit. Whatever comes of it comes soon: an answer, an error, or the end;
// only a length that grew leaves the bridge waiting for the rest, until the peer goes.
func (t *Trial) corrupt(at int) error {
	bytes, _ := t.session()
	bytes[at] ^= 1 << (at % 8)
	p, err := dialPeer(t.socket)
	if err != nil {
		return err
	}
	defer p.Close()
	if _, err := p.Write(bytes); err != nil && !gone(err) {
		return err
	}
	_ = p.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	for {
		if _, err := p.receive(); err != nil {
			if gone(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isTimeout(err) {
				return nil
			}
			return err
		}
	}
}

func gone(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
