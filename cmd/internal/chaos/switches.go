package chaos

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// switches are the context switches of this process' threads, as the kernel tells of them
// (perf_event_open(2), PERF_RECORD_SWITCH): of those that there are when it begins, and
// of all that these make. A user may ask that of processes of his own, unless
// perf_event_paranoid or a filter of system calls is in the way.
type switches struct {
	events []int
	rings  [][]byte // one a processor
}

// ringPages is the size of a ring, in pages: that of some 10,000 switches.
const ringPages = 64

func openSwitches() (s *switches, err error) {
	s = new(switches)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME,
		Bits:        unix.PerfBitInherit | unix.PerfBitExcludeKernel | unix.PerfBitContextSwitch | unix.PerfBitSampleIDAll | unix.PerfBitUseClockID,
		Clockid:     unix.CLOCK_MONOTONIC,
	}
	page := unix.Getpagesize()
	for cpu := range runtime.NumCPU() {
		first := -1
		for _, tid := range threads() {
			fd, err := unix.PerfEventOpen(&attr, tid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
			if errors.Is(err, unix.ESRCH) {
				continue // it has ended
			}
			if err != nil {
				return s, err
			}
			s.events = append(s.events, fd)
			if first >= 0 {
				if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_OUTPUT, first); err != nil {
					return s, err
				}
				continue
			}
			first = fd
			ring, err := unix.Mmap(fd, 0, (1+ringPages)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			if err != nil {
				return s, err
			}
			s.rings = append(s.rings, ring)
		}
	}
	return s, nil
}

func (s *switches) close() {
	for _, ring := range s.rings {
		_ = unix.Munmap(ring)
	}
	for _, fd := range s.events {
		unix.Close(fd)
	}
}

// switched is a record: a thread was given a processor, or left it.
type switched struct {
	at  int64
	tid int
	out bool
}

// watch gathers runs for so long.
func (s *switches) watch(ctx context.Context, lasts time.Duration) Use {
	from := monotonic()
	var all []switched
	for over := false; !over; {
		over = pause(ctx, 10*time.Millisecond) != nil || monotonic()-from > int64(lasts)
		for _, ring := range s.rings {
			drain(ring, func(x switched) { all = append(all, x) })
		}
	}
	return useOf(from, lasts, runsOf(all, from))
}

// runsOf puts together when each thread was given a processor and left it. A thread goes
// from one processor to another, so the rings only tell its story together.
func runsOf(all []switched, from int64) map[int][]Run {
	slices.SortStableFunc(all, func(a, b switched) int { return cmp.Compare(a.at, b.at) })
	began, runs := make(map[int]int64), make(map[int][]Run)
	for _, x := range all {
		since, running := began[x.tid]
		switch {
		case !x.out:
			began[x.tid] = x.at
		case running:
			delete(began, x.tid)
			runs[x.tid] = append(runs[x.tid], Run{time.Duration(since - from), time.Duration(x.at - since)})
		}
	}
	return runs
}

// drain takes what is in a ring: its first page says from where to where, and the kernel
// may overwrite what is before that (linux/perf_event.h, struct perf_event_mmap_page).
func drain(ring []byte, note func(switched)) {
	page := unix.Getpagesize()
	head := (*unix.PerfEventMmapPage)(unsafe.Pointer(&ring[0]))
	data := ring[page:]
	at, end := atomic.LoadUint64(&head.Data_tail), atomic.LoadUint64(&head.Data_head)
	var record [64]byte
	for at < end {
		n := readRing(data, at, record[:])
		if x, ok := parseSwitch(record[:n]); ok {
			note(x)
		}
		at += uint64(binary.NativeEndian.Uint16(data[(at+6)%uint64(len(data)):])) // records are aligned to 8
	}
	atomic.StoreUint64(&head.Data_tail, at)
}

// readRing copies as much of the record at a place as there is room for.
func readRing(data []byte, at uint64, b []byte) int {
	i := int(at % uint64(len(data)))
	n := copy(b, data[i:])
	return n + copy(b[n:], data)
}

// parseSwitch reads a record: a header of type, flags and length, then pid, tid and time.
func parseSwitch(b []byte) (x switched, ok bool) {
	const header, length = 8, 24
	if len(b) < length || binary.NativeEndian.Uint32(b) != unix.PERF_RECORD_SWITCH || binary.NativeEndian.Uint16(b[6:]) < length {
		return x, false
	}
	x.out = binary.NativeEndian.Uint16(b[4:])&unix.PERF_RECORD_MISC_SWITCH_OUT != 0
	x.tid = int(binary.NativeEndian.Uint32(b[header+4:]))
	x.at = int64(binary.NativeEndian.Uint64(b[header+8:]))
	return x, true
}
