package switches

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Record is something that happened on a processor.
type Record struct {
	What     What
	At       int64 // ns of CLOCK_MONOTONIC
	CPU      int
	PID, TID int // whom it happened to; PID is 0 where it was Woken
	// Other is the process that had the processor before, or has it next, where the
	// machine is watched; the parent of one that was made. 0 is the idle loop.
	Other int
	// Wants is whether it left the processor and would have gone on: it was preempted, or
	// let others go first.
	Wants bool
}

// What happened.
type What uint8

// A thread was given a processor; it left it; a process or thread was made; records were
// lost, since nobody drained the ring in time; a thread that slept wants a processor.
const (
	On What = iota + 1
	Off
	Made
	Lost
	Woken
)

// Drain gives what has come since the last time, one processor after the other, those of a
// processor in order.
func (w *Watch) Drain(note func(Record)) {
	for _, ring := range w.rings {
		drain(ring.pages, w.woken, func(r Record) {
			r.CPU = ring.cpu
			note(r)
		})
	}
}

// drain takes what is in a ring: its first page says from where to where, and the kernel
// may overwrite what is before that (linux/perf_event.h, struct perf_event_mmap_page).
func drain(ring []byte, woken int, note func(Record)) {
	page := unix.Getpagesize()
	head := (*unix.PerfEventMmapPage)(unsafe.Pointer(&ring[0]))
	data := ring[page:]
	at, end := atomic.LoadUint64(&head.Data_tail), atomic.LoadUint64(&head.Data_head)
	var record [64]byte
	for at < end {
		n := readRing(data, at, record[:])
		if x, ok := parse(record[:n], woken); ok {
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

// parse reads a record: a header of type, flags and length, what the type has of its own,
// and the pid, tid and time that all have at their end, but for samples.
func parse(b []byte, woken int) (x Record, ok bool) {
	const (
		header = 8
		ids    = 16 // at the end

		// pid and tid of the thread before or after
		wide = 8
		// pid, parent's pid, tid, parent's tid, time
		forked = 24
		// id, number
		lost = 16
	)
	if len(b) < header+ids {
		return x, false
	}
	order := binary.NativeEndian
	length := int(order.Uint16(b[6:]))
	number := func(at int) int { return int(int32(order.Uint32(b[at:]))) }
	own := 0
	switch order.Uint32(b) {
	case unix.PERF_RECORD_SWITCH:
	case unix.PERF_RECORD_SWITCH_CPU_WIDE:
		own = wide
	case unix.PERF_RECORD_FORK:
		own = forked
	case unix.PERF_RECORD_LOST:
		own = lost
	case unix.PERF_RECORD_SAMPLE:
		return parseWoken(b[:min(len(b), length)], woken)
	default:
		return x, false
	}
	end := header + own
	if length < end+ids || len(b) < end+ids {
		return x, false
	}
	x.PID, x.TID, x.At = number(end), number(end+4), int64(order.Uint64(b[end+8:]))
	switch own {
	case lost:
		return Record{What: Lost, At: x.At}, true
	case forked:
		x.What, x.PID, x.Other, x.TID = Made, number(header), number(header+4), number(header+8)
		return x, true
	case wide:
		x.Other = number(header)
	}
	x.What = On
	if misc := order.Uint16(b[4:]); misc&unix.PERF_RECORD_MISC_SWITCH_OUT != 0 {
		x.What, x.Wants = Off, misc&unix.PERF_RECORD_MISC_SWITCH_OUT_PREEMPT != 0
	}
	return x, true
}

// parseWoken reads a sample of sched_wakeup, in which the thread woken stands at a place:
// a header, the pid, tid and time of whoever woke it, and what the tracepoint says.
func parseWoken(b []byte, at int) (x Record, ok bool) {
	const (
		header = 8
		ids    = 16
		size   = 4
	)
	at += header + ids + size
	if len(b) < at+4 {
		return x, false
	}
	order := binary.NativeEndian
	return Record{What: Woken, TID: int(int32(order.Uint32(b[at:]))), At: int64(order.Uint64(b[header+8:]))}, true
}
