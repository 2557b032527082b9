package doctor

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroup looks at which version of control groups there is (cgroups(7)), and at what the
// bridge's own may take.
func (h *Host) cgroup(context.Context) []Finding {
	const area = "cgroups"
	var st unix.Statfs_t
	root := filepath.Join(h.Sys, "fs/cgroup")
	if err := unix.Statfs(root, &st); err != nil {
		return []Finding{found(area, Note, "Memory and processor limits of the units have no effect: mount the cgroup2 file system, or boot with systemd.", "no control groups: %v", err)}
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return append([]Finding{good(area, "version 2")}, h.bounds(root)...)
	}
	if exists(root, "unified") {
		return []Finding{found(area, Note, "MemoryHigh= and pressure per group need version 2 alone: boot with systemd.unified_cgroup_hierarchy=1.", "version 1 with 2 beside it (hybrid)")}
	}
	return []Finding{found(area, Note, "MemoryHigh= and pressure per group need version 2: boot with systemd.unified_cgroup_hierarchy=1.", "version 1, or none")}
}

// bounds looks at the bridge's group for a quota that stops it, and for memory that it
// was refused (Documentation/admin-guide/cgroup-v2.rst: cpu.max, cpu.stat,
// memory.events).
func (h *Host) bounds(root string) (out []Finding) {
	const area = "cgroups"
	pid, _ := h.bridgeProcess()
	if pid == 0 {
		return nil
	}
	_, path, ok := strings.Cut(line(h.Proc, strconv.Itoa(pid), "cgroup"), "::")
	if !ok {
		return nil
	}
	group := filepath.Join(root, path)
	if quota, _, ok := strings.Cut(line(group, "cpu.max"), " "); ok && quota != "max" {
		stopped := values(filepath.Join(group, "cpu.stat"))["nr_throttled"]
		level := Note
		if stopped > 0 {
			level = Warning
		}
		out = append(out, found(area, level, "A quota stops the bridge for the rest of each period, up to 100 ms: give it a weight instead (CPUWeight=, no CPUQuota=; in Kubernetes requests without limits).",
			"the bridge has a processor quota (cpu.max of %s: %s) and was stopped by it %d times", path, line(group, "cpu.max"), stopped))
	}
	if killed := values(filepath.Join(group, "memory.events"))["oom_kill"]; killed > 0 {
		out = append(out, found(area, Warning, "Raise MemoryMax=, or lower --cache-mib, --subjects and --max-conns.", "%d processes of the bridge's group %s were killed for want of memory", killed, path))
	}
	return out
}

// values reads a file of lines with a name and a number.
func values(path string) map[string]int {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	out := make(map[string]int)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, text, ok := strings.Cut(lines.Text(), " "); ok {
			if v, err := strconv.Atoi(text); err == nil {
				out[name] = v
			}
		}
	}
	return out
}
