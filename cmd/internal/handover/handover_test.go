package handover

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
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
	for _, n := range []int{0, 1, perMessage, perMessage + 1, 400} { // a process may have 1,024 descriptors
		t.Run(strconv.Itoa(n), func(t *testing.T) { packUnpack(t, n) })
	}
}

func packUnpack(t *testing.T, n int) {
	handed, peers := pairs(t, n)
	queue, err := Pack(bridge.Handover{Conns: handed, Answers: []byte("warm"), Standings: []byte("judged")})
	if err != nil {
		t.Fatal(err)
	}
	h, err := Unpack(queue)
	if err != nil || len(h.Conns) != n || string(h.Answers) != "warm" || string(h.Standings) != "judged" {
		t.Fatalf("%d connections, answers %q, %v", len(h.Conns), h.Answers, err)
	}
	for i, c := range h.Conns {
		want := handed[i]
		if c.Greeted != want.Greeted || c.Told != want.Told || !bytes.Equal(c.Unread, want.Unread) || !bytes.Equal(c.Unsent, want.Unsent) {
			t.Fatalf("connection %d = %+v, want %+v", i, c, want)
		}
		mark := []byte{byte(i), byte(i >> 8)}
		if _, err := unix.Write(peers[i], mark); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2)
		if _, err := unix.Read(c.FD, got); err != nil || !bytes.Equal(got, mark) {
			t.Fatalf("connection %d reads %v, %v: another's", i, got, err)
		}
		unix.Close(c.FD)
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

// What a length claims is believed only as far as there are bytes, and nothing is nested.
func TestReadIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"connections without end": "\x82\xa7Version\x01\xa5Conns\xdd\xff\xff\xff\xff",
		"answers without end":     "\x82\xa7Version\x01\xa7Answers\xc6\xff\xff\xff\xff",
		"a deep nest":             "\x82\xa7Version\x01\xa4Nest" + strings.Repeat("\x91", 16<<20),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d, err := read(strings.NewReader(text))
		runtime.ReadMemStats(&after)
		if err == nil || len(d.Conns) > 0 {
			t.Errorf("%s: %d connections, %v; want an error", name, len(d.Conns), err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
			t.Errorf("%s: %d bytes allocated", name, took)
		}
	}
}

// FuzzRead: whatever is in the memfd there is an error, or a document that comes out as it
// went in, with no more connections than bytes describe.
func FuzzRead(f *testing.F) {
	for _, d := range []document{
		{Version: version},
		{Version: version + 1},
		{Version: version, Conns: connections{{Greeted: true, Frame: 1 << 20, Batch: 256, InFlight: 64, Unread: []byte{0, 0, 0, 9}}, {Unsent: []byte("tail")}}, Answers: []byte("warm"), Standings: []byte("judged")},
	} {
		text, err := msgpack.Marshal(&d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if len(d.Conns) > len(text) {
			t.Fatalf("%d connections of %d bytes", len(d.Conns), len(text))
		}
		again, err := msgpack.Marshal(&d)
		if err != nil {
			t.Fatal(err)
		}
		e, err := read(bytes.NewReader(again))
		if diff := cmp.Diff(d, e); err != nil || diff != "" {
			t.Fatalf("written again: %v (-first +second):\n%s", err, diff)
		}
	})
}
