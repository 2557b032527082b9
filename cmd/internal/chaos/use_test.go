package chaos

import (
	"context"
	"encoding/binary"
	"os"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A helper tells when it ran itself, and the burner begins to do the same.
func TestUseIsToldAndBurnt(t *testing.T) {
	e := &Env{Self: os.Args[0]}
	before := monotonic()
	h, use, err := e.watchedHelper(HelperPlan{Mode: Nobody.Name, After: time.Millisecond, Watch: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	u, err := use()
	h.Kill()
	if err != nil {
		t.Fatal(err)
	}
	if u.From < before || u.From > monotonic() || u.Lasts != 200*time.Millisecond {
		t.Errorf("%d threads from %d for %v", len(u.Threads), u.From, u.Lasts)
	}
	wantRuns(t, &u)
	program, err := buildBurner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := startBurner(program, &u)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Kill()
	for cpuTime(b.PID) < 2*u.total() { // it takes what it can get, period by period
		time.Sleep(time.Millisecond)
	}
}

// wantRuns checks that there are runs and that those of a thread do not overlap.
func wantRuns(t *testing.T, u *Use) {
	t.Helper()
	if len(u.Threads) == 0 || u.total() <= 0 {
		t.Errorf("%d threads ran for %v", len(u.Threads), u.total())
	}
	for _, runs := range u.Threads {
		end := time.Duration(0)
		for _, r := range runs {
			if r.At < end || r.For <= 0 || r.For > longestRun || r.At >= u.Lasts {
				t.Errorf("a run at %v for %v, after one that ended at %v", r.At, r.For, end)
			}
			end = r.At + r.For
		}
	}
}

// Where the kernel does not tell, the threads' own clocks do.
func TestWatchClocks(t *testing.T) {
	busy, stop := context.WithCancel(t.Context())
	go func() { _ = idle(busy, "") }()
	u := watchClocks(t.Context(), 50*time.Millisecond)
	stop()
	if len(u.Threads) == 0 || u.total() <= 0 {
		t.Errorf("%d threads ran for %v", len(u.Threads), u.total())
	}
}

func TestUseOf(t *testing.T) {
	const us = time.Microsecond
	got := useOf(5, 100*us, map[int][]Run{
		1: {{-us, 3 * us}, {20 * us, 5 * us}, {90 * us, time.Second}, {100 * us, us}}, // began before; the processor was away; after the end
		2: {{10 * us, us}},
		3: {{30 * us, 0}},
	})
	want := Use{From: 5, Lasts: 100 * us, Threads: [][]Run{{{10 * us, us}}, {{20 * us, 5 * us}, {90 * us, longestRun}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	got.scale(12*us + 2*longestRun)
	if x := got.Threads[1][0].For; x != 10*us || got.total() != 12*us+2*longestRun {
		t.Errorf("twice as long: a run of %v, %v in all, want 10µs and %v", x, got.total(), 12*us+2*longestRun)
	}
	(&Use{}).scale(time.Second) // of nothing nothing is made
}

// What the rings of two processors tell is one story.
func TestRunsOf(t *testing.T) {
	got := runsOf([]switched{
		{110, 1, false}, {120, 1, true}, {140, 1, false}, {150, 2, true}, // of one
		{125, 1, false}, {131, 1, true}, {132, 2, false}, {160, 1, true}, // of the other
		{100, 3, true}, {170, 3, false}, // began before and ends after
	}, 100)
	if want := map[int][]Run{1: {{10, 10}, {25, 6}, {40, 20}}, 2: {{32, 18}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Records lie in the ring as the kernel writes them, and may go over its end.
func TestSwitchesAreRead(t *testing.T) {
	var data []byte
	record := func(kind uint32, misc uint16, tid uint32, at uint64) {
		data = binary.NativeEndian.AppendUint32(data, kind)
		data = binary.NativeEndian.AppendUint16(data, misc)
		data = binary.NativeEndian.AppendUint16(data, 24)
		data = binary.NativeEndian.AppendUint32(data, 7)
		data = binary.NativeEndian.AppendUint32(data, tid)
		data = binary.NativeEndian.AppendUint64(data, at)
	}
	record(unix.PERF_RECORD_SWITCH, unix.PERF_RECORD_MISC_SWITCH_OUT, 8, 100)
	record(unix.PERF_RECORD_LOST, 0, 9, 200)
	record(unix.PERF_RECORD_SWITCH, 0, 9, 300)
	page := unix.Getpagesize()
	for _, from := range []int{0, page - 24, page - 16, page - 8, 5*page - 32} {
		ring := make([]byte, 2*page)
		for i, b := range data {
			ring[page+(from+i)%page] = b
		}
		head := (*unix.PerfEventMmapPage)(unsafe.Pointer(&ring[0]))
		head.Data_tail, head.Data_head = uint64(from), uint64(from+len(data))
		var got []switched
		drain(ring, func(x switched) { got = append(got, x) })
		if want := []switched{{100, 8, true}, {300, 9, false}}; !reflect.DeepEqual(got, want) || head.Data_tail != head.Data_head {
			t.Errorf("from %d: %+v up to %d of %d, want %+v", from, got, head.Data_tail, head.Data_head, want)
		}
	}
}

// A burner without a thread, as beside a peer that does nothing, is there; one that is
// told nonsense is not.
func TestBurnerReads(t *testing.T) {
	program, err := buildBurner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := startBurner(program, &Use{Lasts: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b.Kill()
	for _, u := range []Use{{}, {Lasts: time.Second, Threads: [][]Run{{}}}, {Lasts: time.Second, Threads: [][]Run{{{-1, 1}}}}} {
		if b, err := startBurner(program, &u); err == nil {
			b.Kill()
			t.Errorf("%+v is burnt", u)
		}
	}
}

func TestHelpersThatEndSaySo(t *testing.T) {
	e := &Env{Self: os.Args[0]}
	h, use, err := e.watchedHelper(HelperPlan{Mode: "comes and goes", Socket: t.TempDir() + "/nobody", After: time.Hour, Watch: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	h.Kill()
	if u, err := use(); err == nil {
		t.Errorf("it used %+v", u)
	}
}
