package switches

import (
	"errors"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Watch is rings that the kernel writes to.
type Watch struct {
	events []int
	rings  []ring // one a processor
	woken  int    // where in the record of a wake-up the thread woken stands
}

type ring struct {
	cpu   int
	event int // that the pages are of
	pages []byte
}

// The rings are that of some 10,000 switches of a process, and of a machine that makes
// 100,000 a second for about a second.
const (
	ownPages     = 64
	machinePages = 1024
)

// Own watches the threads of this process: those that there are, and all that these make.
// To root it also tells when they are woken.
func Own() (*Watch, error) {
	w, err := watch(ownPages, unix.PerfBitInherit|unix.PerfBitExcludeKernel, Threads())
	if err != nil {
		return nil, err
	}
	if at, err := findWakes(); err == nil {
		// Not every kernel lets every root look, and switches are most of the story.
		_ = w.addWakes(at)
	}
	return w, nil
}

// Machine watches all threads, and what processes are made.
func Machine() (*Watch, error) {
	const everybody = -1
	return watch(machinePages, unix.PerfBitTask, []int{everybody})
}

func watch(pages int, bits uint64, whom []int) (w *Watch, err error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME,
		Bits:        bits | unix.PerfBitContextSwitch | unix.PerfBitSampleIDAll | unix.PerfBitUseClockID,
		Clockid:     unix.CLOCK_MONOTONIC,
	}
	cpus, err := processors()
	if err != nil {
		return nil, err
	}
	w = &Watch{rings: make([]ring, len(cpus))}
	for i, cpu := range cpus {
		w.rings[i].cpu = cpu
		if err := w.add(&w.rings[i], &attr, whom, pages); err != nil {
			w.Close()
			return nil, err
		}
	}
	return w, nil
}

// addWakes has the rings also tell when threads of this process are woken.
func (w *Watch) addWakes(at wakes) error {
	w.woken = at.pid
	attr, whom := at.attr(unix.PerfBitInherit), Threads()
	for i := range w.rings {
		if err := w.add(&w.rings[i], &attr, whom, 0); err != nil {
			return err
		}
	}
	return nil
}

// add has the kernel write into a processor's ring, which is made of so many pages where
// there is none yet, what happens to threads.
func (w *Watch) add(r *ring, attr *unix.PerfEventAttr, whom []int, pages int) error {
	for _, tid := range whom {
		fd, err := unix.PerfEventOpen(attr, tid, r.cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return os.NewSyscallError("perf_event_open", err)
		}
		w.events = append(w.events, fd)
		if r.pages == nil {
			r.event = fd
			r.pages, err = unix.Mmap(fd, 0, (1+pages)*unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			if err != nil {
				return os.NewSyscallError("mmap", err)
			}
			continue
		}
		if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_OUTPUT, r.event); err != nil {
			return os.NewSyscallError("ioctl", err)
		}
	}
	return nil
}

// Close ends it.
func (w *Watch) Close() {
	for _, r := range w.rings {
		if r.pages != nil {
			_ = unix.Munmap(r.pages)
		}
	}
	for _, fd := range w.events {
		unix.Close(fd)
	}
	w.rings, w.events = nil, nil
}

// processors are those that this process may use.
func processors() (cpus []int, err error) {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return nil, os.NewSyscallError("sched_getaffinity", err)
	}
	for cpu := 0; len(cpus) < may.Count(); cpu++ {
		if may.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// Threads are those of this process, by their numbers in the kernel.
func Threads() (tids []int) {
	entries, _ := os.ReadDir("/proc/self/task")
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}
