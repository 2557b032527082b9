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
}

type ring struct {
	cpu   int
	pages []byte
}

// The rings are that of some 10,000 switches of a process, and of a machine that makes
// 100,000 a second for about a second.
const (
	ownPages     = 64
	machinePages = 1024
)

// Own watches the threads of this process: those that there are, and all that these make.
func Own() (*Watch, error) {
	return watch(ownPages, unix.PerfBitInherit|unix.PerfBitExcludeKernel, Threads())
}

// Machine watches all threads, and what processes are made.
func Machine() (*Watch, error) {
	const everybody = -1
	return watch(machinePages, unix.PerfBitTask, []int{everybody})
}

func watch(pages int, bits uint64, whom []int) (w *Watch, err error) {
	w = new(Watch)
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME,
		Bits:        bits | unix.PerfBitContextSwitch | unix.PerfBitSampleIDAll | unix.PerfBitUseClockID,
		Clockid:     unix.CLOCK_MONOTONIC,
	}
	page := unix.Getpagesize()
	cpus, err := processors()
	if err != nil {
		return w, err
	}
	for _, cpu := range cpus {
		first := -1
		for _, tid := range whom {
			fd, err := unix.PerfEventOpen(&attr, tid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
			if errors.Is(err, unix.ESRCH) {
				continue // it has ended
			}
			if err != nil {
				return w, os.NewSyscallError("perf_event_open", err)
			}
			w.events = append(w.events, fd)
			if first >= 0 {
				if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_OUTPUT, first); err != nil {
					return w, os.NewSyscallError("ioctl", err)
				}
				continue
			}
			first = fd
			memory, err := unix.Mmap(fd, 0, (1+pages)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			if err != nil {
				return w, os.NewSyscallError("mmap", err)
			}
			w.rings = append(w.rings, ring{cpu, memory})
		}
	}
	return w, nil
}

// Close ends it.
func (w *Watch) Close() {
	for _, r := range w.rings {
		_ = unix.Munmap(r.pages)
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
