package doctor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func fields(s string) []string { return strings.Fields(s) }

// spare is how many descriptors a bridge needs besides its connections.
const spare = 256

// limits looks at what would stop many connections.
func (h *Host) limits(context.Context) []Finding {
	const area = "limits"
	var out []Finding
	pid, open := h.bridgeProcess()
	switch {
	case pid == 0:
		out = append(out, found(area, Note, "Where one runs, run doctor as root, or as its user.", "there is no ml-bridge whose limits can be read"))
	case open < h.Conns+spare:
		out = append(out, found(area, Warning, fmt.Sprintf("LimitNOFILE=%d in the unit (the packaged one has 65536), or ulimit -n by hand.", 2*h.Conns+spare),
			"the bridge (process %d) may have %d descriptors open, for %d connections", pid, open, h.Conns))
	default:
		out = append(out, good(area, "the bridge (process %d) may have %d descriptors open, for %d connections", pid, open, h.Conns))
	}
	if most, err := strconv.Atoi(line(h.Proc, "sys/net/core/somaxconn")); err == nil && most < 1024 {
		out = append(out, found(area, Note, "sysctl net.core.somaxconn=4096", "at most %d connections can wait to be accepted: a crowd that comes at once is turned away", most))
	}
	return out
}

// bridgeProcess finds the bridge's process and its soft limit of descriptors: the one
// that listens on the socket, or, where systemd does that for it, one called ml-bridge.
func (h *Host) bridgeProcess() (pid, open int) {
	which := "[0-9]*"
	if h.bridge > 1 {
		which = strconv.Itoa(h.bridge)
	}
	names, _ := filepath.Glob(filepath.Join(h.Proc, which, "comm"))
	for _, name := range names {
		dir := filepath.Dir(name)
		id, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || id == os.Getpid() || line(name) != "ml-bridge" {
			continue
		}
		f, err := os.Open(filepath.Join(dir, "limits"))
		if err != nil {
			continue
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "Max open files"); ok && len(fields(rest)) > 0 {
				if n, err := strconv.Atoi(fields(rest)[0]); err == nil {
					return id, n
				}
			}
		}
	}
	return 0, 0
}

// systemd reports whether it runs this host, as sd_booted(3) does.
func (h *Host) systemd() bool { return exists(h.Run, "systemd/system") }

// seeWhy is where one looks for the reason that a daemon does not do its work.
func (h *Host) seeWhy(name string) string {
	if h.systemd() {
		return "See why: systemctl status " + name + "; journalctl -u " + name + " -n 50."
	}
	return "Start " + name + ", or see in its log why it does not."
}

// service looks at what the service manager says.
func (h *Host) service(ctx context.Context) []Finding {
	const area = "systemd"
	if !h.systemd() {
		return []Finding{found(area, Note, "Whatever starts ml-bridge and mld here should start them again when they end.", "this host is not run by systemd")}
	}
	var out []Finding
	for _, unit := range []string{"ml-bridge.service", "mld.service"} {
		text, err := h.Systemctl(ctx, "show", unit, "-p", "LoadState,ActiveState,SubState,Result,NRestarts,FileDescriptorStoreMax,WatchdogUSec,StatusText")
		if err != nil {
			return append(out, found(area, Note, "Look by hand: systemctl status ml-bridge mld. Inside a container the host has them.", "systemctl does not answer: %v", err))
		}
		out = append(out, judgeUnit(unit, properties(text))...)
	}
	return out
}

func properties(text string) map[string]string {
	out := make(map[string]string)
	for l := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(l), "="); ok {
			out[k] = v
		}
	}
	return out
}

func judgeUnit(unit string, p map[string]string) (out []Finding) {
	const area = "systemd"
	name := strings.TrimSuffix(unit, ".service")
	switch {
	case p["LoadState"] == "not-found":
		return []Finding{found(area, Note, "Install the package, or copy deploy/systemd.", "%s is not installed", unit)}
	case p["ActiveState"] == "failed":
		return []Finding{found(area, Failure, "journalctl -u "+name+" -n 50; then systemctl restart "+name, "%s has failed: %s", unit, p["Result"])}
	case p["ActiveState"] != "active":
		return []Finding{found(area, Note, "It starts with the first connection to its socket, or: systemctl start "+name, "%s is %s", unit, p["ActiveState"])}
	}
	out = append(out, good(area, "%s is %s: %s", unit, p["SubState"], p["StatusText"]))
	if n, _ := strconv.Atoi(p["NRestarts"]); n > 0 {
		out = append(out, found(area, Warning, "See why: journalctl -u "+name+" -p warning", "%s was started anew %d times by systemd", unit, n))
	}
	if w := p["WatchdogUSec"]; w == "0" || w == "infinity" {
		out = append(out, found(area, Warning, "WatchdogSec=10 in the unit.", "%s has no watchdog: when it hangs, it hangs", unit))
	}
	if name == "ml-bridge" && p["FileDescriptorStoreMax"] == "0" {
		out = append(out, found(area, Warning, "FileDescriptorStoreMax=4 in the unit, and handover = true in the settings.", "a restart of %s drops its clients' connections", unit))
	}
	return out
}

// pressure looks at pressure stall information (Documentation/accounting/psi.rst).
func (h *Host) pressure(context.Context) (out []Finding) {
	const area = "pressure"
	for _, r := range []struct {
		name, advice string
		most         float64 // share of the last minute, in per cent
	}{
		{"cpu", "Something always waits for a processor: see who with top; CPUWeight= of mlbridge.slice puts the bridge first, and --time-slice=100us of ml-bridge and mld, with the same in the agent that asks, lets them come at once.", 20},
		{"memory", "Memory is short: see who with systemd-cgtop -m.", 5},
		{"io", "The bridge itself reads and writes no files while it answers; what waits for disks may be who asks: iotop -o says who.", 40},
	} {
		text := line(h.Proc, "pressure", r.name)
		if text == "" {
			return []Finding{found(area, Note, "Boot with psi=1; kernelsim's live source and the failure model's input read it.", "no pressure stall information")}
		}
		share, ok := average(text)
		switch {
		case !ok:
			out = append(out, found(area, Note, "Is /proc of this host mounted? Pressure has a line that begins with \"some avg10=\".", "%s: cannot read %q", r.name, text))
		case share > r.most:
			level := Warning
			if r.name == "io" {
				level = Note
			}
			out = append(out, found(area, level, r.advice, "%s: somebody waited during %.1f %% of the last minute", r.name, share))
		default:
			out = append(out, good(area, "%s: somebody waited during %.1f %% of the last minute", r.name, share))
		}
	}
	return out
}

// average reads avg60 of a line of pressure.
func average(text string) (float64, bool) {
	for _, f := range fields(text) {
		if v, ok := strings.CutPrefix(f, "avg60="); ok {
			n, err := strconv.ParseFloat(v, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// needed is about what bridge and mld take together with full caches, in kB.
const needed = 512 << 10

// memory looks at what is left.
func (h *Host) memory(context.Context) []Finding {
	const area = "memory"
	f, err := os.Open(filepath.Join(h.Proc, "meminfo"))
	if err != nil {
		return []Finding{found(area, Note, "Mount /proc.", "%v", err)}
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok && len(fields(rest)) > 0 {
			kb, err := strconv.Atoi(fields(rest)[0])
			if err != nil {
				break
			}
			if kb < needed {
				return []Finding{found(area, Warning, "With less, --cache-mib and --subjects of the bridge can be lowered.", "%d MiB are available; bridge and mld can take %d", kb>>10, needed>>10)}
			}
			return []Finding{good(area, "%d MiB are available", kb>>10)}
		}
	}
	return []Finding{found(area, Note, "Linux 3.14 and later say it; look with free -m.", "meminfo does not say what is available")}
}

// kernel looks at what the kernel offers.
func (h *Host) kernel(context.Context) []Finding {
	const area = "kernel"
	out := []Finding{good(area, "Linux %s", line(h.Proc, "sys/kernel/osrelease"))}
	has := func(what, without string, there bool) {
		if there {
			out = append(out, good(area, "%s", what))
		} else {
			out = append(out, found(area, Note, without, "no %s", what))
		}
	}
	has("sched_ext", "A scheduler in BPF that asks the bridge needs Linux 6.12 or later with CONFIG_SCHED_CLASS_EXT; everything else works without.", exists(h.Sys, "kernel/sched_ext"))
	has("BTF", "BPF programs that are compiled once need CONFIG_DEBUG_INFO_BTF; the bridge does not.", exists(h.Sys, "kernel/btf/vmlinux"))
	// Tasks of the idle class, as whoever runs doctor may be, have none on any kernel.
	if own, err := unix.SchedGetAttr(0, 0); err == nil && own.Policy == unix.SCHED_NORMAL {
		has("time slices of a task's own", "--time-slice needs Linux 6.12 or later.", own.Runtime != 0)
	}
	fd, err := unix.MemfdCreate("doctor", unix.MFD_CLOEXEC)
	if err == nil {
		unix.Close(fd)
	}
	has("memfd", "A hand-over at a restart needs it.", err == nil)
	return out
}
