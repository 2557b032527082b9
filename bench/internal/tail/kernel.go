package tail

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// self is what this process knows of itself.
type self struct {
	waiting uint64 // ns, of all threads
	gc      uint32
}

func readSelf() self {
	var s debug.GCStats
	debug.ReadGCStats(&s)
	return self{waiting: waiting(os.Getpid()), gc: uint32(s.NumGC)}
}

// waiting sums how long the threads of a process have been ready to run without running,
// in ns: the second figure of schedstat (Documentation/scheduler/sched-stats.rst). A
// thread that has ended is not in the sum.
func waiting(pid int) (sum uint64) {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/schedstat")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if f := bytes.Fields(data); len(f) == 3 {
			n, _ := strconv.ParseUint(string(f[1]), 10, 64)
			sum += n
		}
	}
	return sum
}

// ticks are the times of all cores together, from /proc/stat's first line, in clock
// ticks since boot.
type ticks struct{ all, idle, steal uint64 }

func readTicks() (t ticks) {
	data, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(data), "\n")
	for i, f := range strings.Fields(line) {
		n, err := strconv.ParseUint(f, 10, 64)
		switch {
		case err != nil || i > 8: // the name; guests are in user already
			continue
		case i == 4, i == 5: // idle, waiting for a disk
			t.idle += n
		case i == 8:
			t.steal += n
		}
		t.all += n
	}
	return t
}

// shares gives the parts of the time since before that the cores were busy, and that
// the hypervisor gave to somebody else.
func (t ticks) shares(before ticks) (busy, steal float64) {
	all := float64(max(t.all-before.all, 1))
	return 1 - float64(t.idle-before.idle)/all, float64(t.steal-before.steal) / all
}

// Cores is how many cores the machine has; disturbances and sleepers take one each.
func Cores() int { return runtime.NumCPU() }
