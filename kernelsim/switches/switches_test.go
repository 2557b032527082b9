package switches

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// told is a record as the kernel writes it: type and flags, what it has of its own, then
// pid, tid and time.
func told(kind uint32, misc uint16, own []uint32, pid, tid uint32, at uint64) (b []byte) {
	b = binary.NativeEndian.AppendUint32(b, kind)
	b = binary.NativeEndian.AppendUint16(b, misc)
	b = binary.NativeEndian.AppendUint16(b, uint16(24+4*len(own)))
	for _, x := range append(own, pid, tid) {
		b = binary.NativeEndian.AppendUint32(b, x)
	}
	return binary.NativeEndian.AppendUint64(b, at)
}

// woke is a sample of a tracepoint that has the thread woken 24 bytes in.
func woke(by, tid uint32, at uint64) (b []byte) {
	b = binary.NativeEndian.AppendUint32(b, unix.PERF_RECORD_SAMPLE)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint16(b, 8+16+4+wokenAt+4)
	b = binary.NativeEndian.AppendUint32(b, by)
	b = binary.NativeEndian.AppendUint32(b, by)
	b = binary.NativeEndian.AppendUint64(b, at)
	b = binary.NativeEndian.AppendUint32(b, wokenAt+4)
	b = append(b, make([]byte, wokenAt)...)
	return binary.NativeEndian.AppendUint32(b, tid)
}

const wokenAt = 24

// Records lie in the ring as the kernel writes them, and may go over its end.
func TestRecordsAreRead(t *testing.T) {
	const (
		out       = unix.PERF_RECORD_MISC_SWITCH_OUT
		preempted = out | unix.PERF_RECORD_MISC_SWITCH_OUT_PREEMPT
	)
	var data []byte
	for _, b := range [][]byte{
		told(unix.PERF_RECORD_SWITCH, out, nil, 7, 8, 100),
		told(unix.PERF_RECORD_EXIT, 0, []uint32{1, 2, 3, 4, 5, 6}, 7, 8, 150),
		told(unix.PERF_RECORD_LOST, 0, []uint32{1, 0, 17, 0}, 7, 8, 200),
		told(unix.PERF_RECORD_SWITCH, 0, nil, 7, 9, 300),
		told(unix.PERF_RECORD_SWITCH_CPU_WIDE, out, []uint32{20, 21}, 7, 9, 400),
		told(unix.PERF_RECORD_SWITCH_CPU_WIDE, 0, []uint32{7, 9}, 20, 21, 401),
		told(unix.PERF_RECORD_FORK, 0, []uint32{30, 20, 31, 21, 0, 0}, 20, 21, 500),
		told(unix.PERF_RECORD_SWITCH_CPU_WIDE, 0, []uint32{20, 21}, 0xffffffff, 0xffffffff, 600), // of another PID namespace
		told(unix.PERF_RECORD_SWITCH, preempted, nil, 7, 8, 650),
		woke(20, 8, 700),
	} {
		data = append(data, b...)
	}
	want := []Record{
		{What: Off, At: 100, PID: 7, TID: 8},
		{What: Lost, At: 200},
		{What: On, At: 300, PID: 7, TID: 9},
		{What: Off, At: 400, PID: 7, TID: 9, Other: 20},
		{What: On, At: 401, PID: 20, TID: 21, Other: 7},
		{What: Made, At: 500, PID: 30, TID: 31, Other: 20},
		{What: On, At: 600, PID: -1, TID: -1, Other: 20},
		{What: Off, At: 650, PID: 7, TID: 8, Wants: true},
		{What: Woken, At: 700, TID: 8},
	}
	page := unix.Getpagesize()
	for from := 0; from < page; from += 8 {
		pages := make([]byte, 2*page)
		for i, b := range data {
			pages[page+(from+i)%page] = b
		}
		head := (*unix.PerfEventMmapPage)(unsafe.Pointer(&pages[0]))
		head.Data_tail, head.Data_head = uint64(from), uint64(from+len(data))
		var got []Record
		drain(pages, wokenAt, func(r Record) { got = append(got, r) })
		if !reflect.DeepEqual(got, want) || head.Data_tail != head.Data_head {
			t.Errorf("from %d: %+v up to %d of %d, want %+v", from, got, head.Data_tail, head.Data_head, want)
		}
	}
}

// No start of a record is read beyond its end, and none that says it is shorter.
func TestPartsOfRecords(t *testing.T) {
	for _, whole := range [][]byte{
		told(unix.PERF_RECORD_SWITCH, 0, nil, 7, 9, 300),
		told(unix.PERF_RECORD_SWITCH_CPU_WIDE, 0, []uint32{7, 9}, 20, 21, 401),
		told(unix.PERF_RECORD_FORK, 0, []uint32{30, 20, 31, 21, 0, 0}, 20, 21, 500),
		woke(20, 8, 700),
	} {
		for n := range whole {
			if r, ok := parse(whole[:n], wokenAt); ok {
				t.Errorf("%d of %d bytes are %+v", n, len(whole), r)
			}
		}
		if _, ok := parse(whole, wokenAt); !ok {
			t.Errorf("%x is not read", whole)
		}
		whole[6]--
		if r, ok := parse(whole, wokenAt); ok {
			t.Errorf("one that says it is a byte shorter is %+v", r)
		}
	}
}

// mayNot skips a test where the kernel does not let this process look.
func mayNot(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skipf("not allowed here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// until drains until what is looked for has come.
func until(w *Watch, found func(Record) bool) {
	for seen := false; !seen; time.Sleep(time.Millisecond) {
		w.Drain(func(r Record) { seen = seen || found(r) })
	}
}

// A thread of this process that sleeps is given a processor afterwards.
func TestOwn(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w, err := Own()
	mayNot(t, err)
	defer w.Close()
	for _, what := range []What{Off, On} {
		time.Sleep(time.Millisecond)
		until(w, func(r Record) bool {
			if r.What != Woken && r.PID != os.Getpid() || r.At <= 0 {
				t.Fatalf("%+v, this is process %d", r, os.Getpid())
			}
			return r.What == what
		})
	}
}

// To root the kernel also tells when a thread is woken.
func TestWakesAreTold(t *testing.T) {
	at, err := findWakes()
	if err != nil {
		t.Skipf("not to be read here: %v", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w, err := Own()
	mayNot(t, err)
	defer w.Close()
	mayNot(t, w.addWakes(at)) // again, since Own goes without where it may not
	woken := make(map[int]bool)
	until(w, func(r Record) bool {
		if r.What == Woken {
			woken[r.TID] = true
		}
		return woken[unix.Gettid()] // it sleeps until it has been
	})
}

func TestWakesAreFound(t *testing.T) {
	const format = "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;\n"
	if w, err := parseWakes("374\n", format); err != nil || w != (wakes{374, 24}) {
		t.Errorf("%+v, %v", w, err)
	}
	for _, c := range [][2]string{{"", format}, {"many", format}, {"374", ""}, {"374", "field:pid_t pid; offset:99999999999999999999; size:4;"}} {
		if w, err := parseWakes(c[0], c[1]); err == nil {
			t.Errorf("%q is %+v", c, w)
		}
	}
}

// A process is made, by this one, and is given a processor. Where so much else happens on
// the machine that the ring is full before it is read, another one is made.
func TestMachine(t *testing.T) {
	w, err := Machine()
	mayNot(t, err)
	defer w.Close()
	for told := false; !told; {
		cmd := exec.Command("sleep", "0.001")
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		child := cmd.Process.Pid
		var made, on, off, lost bool
		until(w, func(r Record) bool {
			made = made || r.What == Made && r.PID == child && r.Other == os.Getpid()
			on = on || r.What == On && r.PID == child
			off = off || r.What == Off && r.PID == child
			lost = lost || r.What == Lost
			told = made && on && off
			return told || lost
		})
	}
}
