package switches

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wakes is the kernel's tracepoint sched_wakeup: a thread that slept wants to run from now
// on. It says so while another may have the processor, which no switch tells.
type wakes struct {
	id  uint64
	pid int // where in what is recorded the thread woken stands
}

// findWakes reads what tracefs says of the tracepoint, which is root's to read. It numbers
// threads as the first PID namespace does, and to another that would mean nothing.
func findWakes() (w wakes, err error) {
	const first = "pid:[4026531836]" // PROC_PID_INIT_INO in linux/proc_ns.h
	if ns, err := os.Readlink("/proc/self/ns/pid"); err != nil || ns != first {
		return w, errors.New("switches: not in the first PID namespace")
	}
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		var id, format []byte
		if id, err = os.ReadFile(dir + "/events/sched/sched_wakeup/id"); err != nil {
			continue
		}
		if format, err = os.ReadFile(dir + "/events/sched/sched_wakeup/format"); err != nil {
			continue
		}
		return parseWakes(string(id), string(format))
	}
	return w, err
}

var pidField = regexp.MustCompile(`field:pid_t pid;\s*offset:(\d+);\s*size:4;`)

func parseWakes(id, format string) (w wakes, err error) {
	if w.id, err = strconv.ParseUint(strings.TrimSpace(id), 10, 64); err != nil {
		return w, fmt.Errorf("switches: id of sched_wakeup: %w", err)
	}
	field := pidField.FindStringSubmatch(format)
	if field == nil {
		return w, fmt.Errorf("switches: sched_wakeup has no pid: %q", format)
	}
	w.pid, err = strconv.Atoi(field[1])
	return w, err
}

// attr asks for it. The record is a sample of thread, time and what the tracepoint says.
func (w *wakes) attr(bits uint64) unix.PerfEventAttr {
	return unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Config: w.id, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Sample: 1,
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME | unix.PERF_SAMPLE_RAW,
		Bits:        bits | unix.PerfBitSampleIDAll | unix.PerfBitUseClockID,
		Clockid:     unix.CLOCK_MONOTONIC,
	}
}
