package ipc

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// modelBackend answers every call at once and counts outcomes. It lives on the loop. Each
// second answer is of a model that has no name, the others are the rule's in part.
type modelBackend struct {
	lastID   uint64
	observed chan int
}

func (b *modelBackend) Round(calls []*Call) {
	for _, c := range calls {
		b.lastID++
		c.Reply = largestReply(c.Request.Kind())
		c.Reply.PredictionID, c.Reply.Reason = b.lastID, ReasonDemoted
		if b.lastID%2 == 0 {
			c.Reply.Model, c.Reply.Ruled, c.Reply.Reason = "", 0, ReasonNone
		}
		c.Finish()
	}
}

func (b *modelBackend) Observe(outcomes []Outcome) { b.observed <- len(outcomes) }

// vectorServer runs a real server on a socket of its own and gives a dialer.
func vectorServer(t *testing.T, backend Backend) (dial func() net.Conn) {
	t.Helper()
	loop, err := eventloop.New(func() int64 { return int64(Now()) })
	if err != nil {
		t.Fatal(err)
	}
	server, err := NewServer(loop, backend, ServerConfig{Name: "vectors"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(listener); err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- loop.Run() }()
	t.Cleanup(func() {
		server.Shutdown(time.Minute)
		loop.Close()
		if err := <-ran; !errors.Is(err, eventloop.ErrClosed) {
			t.Error(err)
		}
	})
	return func() net.Conn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		// Only so that a server that never answers fails this test and not the run.
		if err := conn.SetDeadline(time.Now().Add(10 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

// TestVectorsAgainstServer sends every golden client frame to a live server. The
// codec alone could be right and its user wrong.
func TestVectorsAgainstServer(t *testing.T) {
	backend := &modelBackend{observed: make(chan int, 1)}
	dial := vectorServer(t, backend)
	bystander := dial()
	greet(t, bystander)
	for _, v := range loadVectors(t) {
		if v.fromServer {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			conn := dial()
			isHello := len(v.frame) > frameHeader+1 && v.frame[frameHeader+1] == byte(msgHello) && v.frame[frameHeader]&0xf0 == 0x90
			if !isHello {
				greet(t, conn)
			}
			if _, err := conn.Write(v.frame); err != nil {
				t.Fatal(err)
			}
			if v.fault != "" {
				wantFault(t, conn, v.fault)
				return
			}
			wantAnswer(t, conn, &v, backend)
		})
	}
	wantPong(t, bystander) // nobody else noticed
}

func greet(t *testing.T, conn net.Conn) {
	t.Helper()
	b, start := beginFrame(nil)
	h := hello{versionMin: Version, versionMax: Version, name: "vectors"}
	if _, err := conn.Write(endFrame(h.appendClient(b), start)); err != nil {
		t.Fatal(err)
	}
	if m := readEnvelope(t, conn); m.kind != msgHello || m.hello.limits.Batch != DefaultLimits().Batch {
		t.Fatalf("answer to hello:\n%s", m.describe())
	}
}

func readEnvelope(t *testing.T, conn net.Conn) *envelope {
	t.Helper()
	var head [frameHeader]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(conn, payload); err != nil {
		t.Fatal(err)
	}
	m, err := decodeEnvelope(payload, true)
	if err != nil {
		t.Fatalf("the server sent % x: %v", payload, err)
	}
	return m
}

// wantFault reads the error about the connection and then its end.
func wantFault(t *testing.T, conn net.Conn, fault ProtocolFault) {
	t.Helper()
	m := readEnvelope(t, conn)
	if m.kind != msgError || m.fault.id != 0 || m.fault.fault != fault || m.fault.status != StatusInvalidArgument {
		t.Fatalf("want the fault %s, got:\n%s", fault, m.describe())
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, net.ErrClosed) {
		t.Fatalf("behind the error: %d bytes, %v, want the end", n, err)
	}
}

func wantPong(t *testing.T, conn net.Conn) {
	t.Helper()
	b, start := beginFrame(nil)
	if _, err := conn.Write(endFrame(appendToken(b, msgPing, 99), start)); err != nil {
		t.Fatal(err)
	}
	if m := readEnvelope(t, conn); m.kind != msgPong || m.token != 99 {
		t.Fatalf("answer to ping:\n%s", m.describe())
	}
}

// wantAnswer checks what a good frame brings, and that the connection lives on.
func wantAnswer(t *testing.T, conn net.Conn, v *vector, backend *modelBackend) {
	t.Helper()
	sent, err := v.decode()
	if err != nil {
		t.Fatal(err)
	}
	switch sent.kind {
	case msgHello:
		if m := readEnvelope(t, conn); m.kind != msgHello {
			t.Fatalf("answer to hello:\n%s", m.describe())
		}
	case msgPing:
		if m := readEnvelope(t, conn); m.kind != msgPong || m.token != sent.token {
			t.Fatalf("answer to ping %d:\n%s", sent.token, m.describe())
		}
	case msgPredict:
		wantReply(t, readEnvelope(t, conn), sent)
	case msgOutcome:
		if sent.refused {
			m := readEnvelope(t, conn)
			if m.kind != msgError || m.fault.id != 0 || m.fault.fault != "" || m.fault.status != StatusInvalidArgument {
				t.Fatalf("notice of an outcome left out:\n%s", m.describe())
			}
		}
		if len(sent.outcomes) > 0 {
			if n := <-backend.observed; n != len(sent.outcomes) {
				t.Fatalf("%d outcomes observed, want %d", n, len(sent.outcomes))
			}
		}
	}
	wantPong(t, conn)
}

// wantReply compares the slots of a reply with those that were sent.
func wantReply(t *testing.T, m, sent *envelope) {
	t.Helper()
	if m.kind != msgReply || m.replyID != sent.call.id || len(m.replies) != len(sent.slots) {
		t.Fatalf("reply to call %d of %d slots:\n%s", sent.call.id, len(sent.slots), m.describe())
	}
	for i, s := range sent.slots {
		p := m.replies[i]
		switch {
		case s.err != nil && p.Status != s.err.Status:
			t.Errorf("slot %d is %s, want %s", i, p.Status, s.err.Status)
		case s.err == nil && (p.Status != StatusOK || p.Kind != s.request.Kind()):
			t.Errorf("slot %d is %s of %s, want ok of %s", i, p.Status, p.Kind, s.request.Kind())
		}
	}
}
