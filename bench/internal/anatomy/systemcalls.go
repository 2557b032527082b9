package anatomy

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/row"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

const anyCall, writeCall = "raw_syscalls:sys_enter", "syscalls:sys_enter_write"

// counting is how long system calls are counted.
const counting = 500 * time.Millisecond

// SystemCalls counts each process's system calls a call, in a measurement of its own,
// because counting costs time. It needs perf and the right to use tracepoints; without
// them the error says so. (strace stops the processes at every call: they would no longer
// be brisk, and wait in other ways.)
func (s *Subject) SystemCalls(ctx context.Context, e *system.Env, t row.Times) (perCall []float64, err error) {
	t.Run = max(t.Run, 3*counting)
	var out []byte
	var owner map[string]int
	var failed error
	_, err = s.Row.Watched(ctx, e, t, func(client int, servers []int) {
		pids := inOrder(client, servers)
		if failed = pause(ctx, t.Warm+starting); failed != nil {
			return
		}
		list := make([]string, len(pids))
		for i, pid := range pids {
			list[i] = strconv.Itoa(pid)
		}
		cmd := exec.CommandContext(ctx, "perf", "stat", "-x", ",", "--per-thread", "-e", anyCall+","+writeCall,
			"-p", strings.Join(list, ","), "--", "sleep", strconv.FormatFloat(counting.Seconds(), 'f', 2, 64))
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		if out, failed = cmd.CombinedOutput(); failed != nil {
			failed = fmt.Errorf("anatomy: perf: %w", failed)
		}
		owner = threads(pids)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return parsePerf(string(out), owner, len(s.parts))
}

// threads gives the index of the process that each thread belongs to.
func threads(pids []int) map[string]int {
	owner := map[string]int{}
	for i, pid := range pids {
		dirs, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*")
		for _, d := range dirs {
			owner[filepath.Base(d)] = i
		}
	}
	return owner
}

// parsePerf sums perf's lines "name-thread,count,unit,event,…" by process. The client,
// the first one, writes once a call: its writes count the calls.
func parsePerf(out string, owner map[string]int, processes int) ([]float64, error) {
	r := csv.NewReader(strings.NewReader(out))
	r.FieldsPerRecord, r.LazyQuotes, r.Comment = -1, true, '#'
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("anatomy: perf said %q: %w", out, err)
	}
	sums, calls := make([]float64, processes), 0.0
	for _, f := range lines {
		if len(f) < 4 {
			continue
		}
		i, known := owner[f[0][strings.LastIndexByte(f[0], '-')+1:]]
		n, err := strconv.ParseFloat(f[1], 64)
		if !known || i >= processes || err != nil { // "<not counted>": the thread never ran
			continue
		}
		switch {
		case f[3] == anyCall:
			sums[i] += n
		case f[3] == writeCall && i == 0:
			calls += n
		}
	}
	if calls == 0 {
		return nil, fmt.Errorf("anatomy: perf counted no call: %q", out)
	}
	for i := range sums {
		sums[i] /= calls
	}
	return sums, nil
}
