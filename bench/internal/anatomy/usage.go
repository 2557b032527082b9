package anatomy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// Usage is what a process has used, all its threads together.
type Usage struct {
	CPU         time.Duration // exact to the nanosecond
	User        int64         // in units of 10 ms, and see UserShare
	System      int64
	Voluntary   int64 // context switches because it waited
	Involuntary int64 // because another got the core
	Reads       int64 // read(2) and the like, not epoll_wait
	Writes      int64
}

// ReadUsage reads what the process has used so far.
func ReadUsage(pid int) (u Usage, err error) {
	dir := "/proc/" + strconv.Itoa(pid)
	u.CPU = process.CPUTime([]int{pid})
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return u, fmt.Errorf("anatomy: %w", err)
	}
	if u.User, u.System, err = parseStat(stat); err != nil {
		return u, err
	}
	io, err := os.ReadFile(dir + "/io")
	if err != nil {
		return u, fmt.Errorf("anatomy: %w", err)
	}
	u.Reads, u.Writes = field(io, "syscr:"), field(io, "syscw:")
	tasks, err := filepath.Glob(dir + "/task/*/status")
	if err != nil {
		return u, fmt.Errorf("anatomy: %w", err)
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		u.Voluntary += field(status, "voluntary_ctxt_switches:")
		u.Involuntary += field(status, "nonvoluntary_ctxt_switches:")
	}
	return u, nil
}

// parseStat finds utime and stime in /proc/PID/stat: fields 14 and 15, counted from
// behind the name, which may hold anything.
func parseStat(stat []byte) (user, system int64, err error) {
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, 0, fmt.Errorf("anatomy: stat of %d fields", len(f))
	}
	if user, err = strconv.ParseInt(string(f[11]), 10, 64); err == nil {
		system, err = strconv.ParseInt(string(f[12]), 10, 64)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("anatomy: stat: %w", err)
	}
	return user, system, nil
}

// field gives the number behind a name at the start of a line, 0 when it is not there.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			return n
		}
	}
	return 0
}

// since is what was used from before until u.
func (u Usage) since(before Usage) Usage {
	return Usage{
		CPU: u.CPU - before.CPU, User: u.User - before.User, System: u.System - before.System,
		Voluntary: u.Voluntary - before.Voluntary, Involuntary: u.Involuntary - before.Involuntary,
		Reads: u.Reads - before.Reads, Writes: u.Writes - before.Writes,
	}
}
