package cmd_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// patientPeer tells the bridge of a budget and waits for the answer as long as it takes:
// whether one comes is the bridge's doing alone, however late a busy machine lets this
// process hear of it.
type patientPeer struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
	id uint64
}

func dialPatiently(t *testing.T, socket string) *patientPeer {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(startup)); err != nil {
		t.Fatal(err)
	}
	p := &patientPeer{c, t, bufio.NewReader(c), 0}
	p.send(ipctest.Message(ipctest.TypeHello, ipc.Version, ipc.Version, t.Name(), 0))
	p.read()
	return p
}

func (p *patientPeer) ask(q ipc.Request, budget time.Duration) ipc.Reply {
	p.t.Helper()
	p.id++
	slot := []any{uint8(q.Kind()), msgpack.RawMessage(ipc.AppendRequest(nil, q))}
	p.send(ipctest.Message(ipctest.TypePredict, p.id, int64(budget), []any{slot}))
	m, err := ipc.ParseReply(p.read())
	if err != nil || m.ID != p.id || m.Refused != nil || len(m.Replies) != 1 {
		p.t.Fatalf("the answer is %+v, %v; want one to call %d", m, err, p.id)
	}
	return m.Replies[0]
}

func (p *patientPeer) send(frame []byte) {
	p.t.Helper()
	if _, err := p.Write(frame); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patientPeer) read() []byte {
	p.t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		p.t.Fatal(err)
	}
	payload := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(p.in, payload); err != nil {
		p.t.Fatal(err)
	}
	return payload
}
