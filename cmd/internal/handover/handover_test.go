package handover

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/ipc"
)

// pairs gives n connections to hand over and their peers.
func pairs(t *testing.T, n int) (handed []ipc.Handed, peers []int) {
	t.Helper()
	for i := range n {
		p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		peers = append(peers, p[1])
		handed = append(handed, ipc.Handed{
			FD: p[0], Greeted: i%2 == 0, Told: ipc.Limits{Frame: 1 << 20, Batch: i, InFlight: 64},
			Unread: bytes.Repeat([]byte{1}, i%7), Unsent: bytes.Repeat([]byte{2}, i%5),
		})
	}
	t.Cleanup(func() {
		for _, fd := range peers {
			unix.Close(fd)
		}
	})
	return handed, peers
}

// Every connection comes back as its own, however many messages they take.
func TestPackUnpack(t *testing.T) {
	for _, n := range []int{0, 1, 253, 254, 1000} {
		handed, peers := pairs(t, n)
		queue, err := Pack(bridge.Handover{Conns: handed, Answers: []byte("warm"), Standings: []byte("judged")})
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		h, err := Unpack(queue)
		if err != nil || len(h.Conns) != n || string(h.Answers) != "warm" || string(h.Standings) != "judged" {
			t.Fatalf("%d: %d connections, answers %q, %v", n, len(h.Conns), h.Answers, err)
		}
		for i, c := range h.Conns {
			want := handed[i]
			if c.Greeted != want.Greeted || c.Told != want.Told || !bytes.Equal(c.Unread, want.Unread) || !bytes.Equal(c.Unsent, want.Unsent) {
				t.Fatalf("%d: connection %d = %+v, want %+v", n, i, c, want)
			}
			mark := []byte{byte(i), byte(i >> 8)}
			if _, err := unix.Write(peers[i], mark); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 2)
			if _, err := unix.Read(c.FD, got); err != nil || !bytes.Equal(got, mark) {
				t.Fatalf("%d: connection %d reads %v, %v: another's", n, i, got, err)
			}
			unix.Close(c.FD)
		}
	}
}

// What cannot be read costs the connections, not the descriptors.
func TestUnpackRefuses(t *testing.T) {
	spoiled := func(spoil func(*document)) *os.File {
		t.Helper()
		d := document{Version: version}
		spoil(&d)
		memory, err := write(&d)
		if err != nil {
			t.Fatal(err)
		}
		defer memory.Close()
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pair[1])
		_, peers := pairs(t, 1)
		for _, fd := range []int{int(memory.Fd()), peers[0]} {
			if err := unix.Sendmsg(pair[1], []byte{1}, unix.UnixRights(fd), nil, 0); err != nil {
				t.Fatal(err)
			}
		}
		return os.NewFile(uintptr(pair[0]), "spoiled")
	}
	empty, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(empty[1]) // open: the queue is not whole
	for name, queue := range map[string]*os.File{
		"another version":   spoiled(func(d *document) { d.Version++ }),
		"too few described": spoiled(func(*document) {}),
		"too many":          spoiled(func(d *document) { d.Conns = make([]connection, 5) }),
		"unfinished":        os.NewFile(uintptr(empty[0]), "unfinished"),
	} {
		before := open(t)
		if h, err := Unpack(queue); err == nil || len(h.Conns) > 0 {
			t.Errorf("%s: %d connections, %v; want an error", name, len(h.Conns), err)
		}
		if after := open(t); after != before-1 {
			t.Errorf("%s: %d descriptors before, %d after; want the queue's gone", name, before, after)
		}
	}
}

func open(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
