package report

import (
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Host is where and with what the run was made. An empty string means that the
// host does not say, or not to us.
type Host struct {
	CPUs       int               `json:"cpus"` // that the program may use
	CPUModel   string            `json:"cpu_model"`
	MemoryKiB  string            `json:"memory_kib"`
	Kernel     string            `json:"kernel"`     // release
	Preemption string            `json:"preemption"` // model, as far as visible
	SchedExt   string            `json:"sched_ext"`  // state, and the scheduler's name when enabled
	PSI        bool              `json:"psi"`        // pressure stall information can be read
	GoVersion  string            `json:"go_version"`
	GOMAXPROCS int               `json:"gomaxprocs"`
	GOARCH     string            `json:"goarch"`
	Programs   map[string]string `json:"programs"`  // name to version
	Arguments  []string          `json:"arguments"` // of this program
}

// ThisHost reads the facts of this machine and process. Callers add the versions
// of the other programs in the run.
func ThisHost() Host {
	h := readHost(os.DirFS("/"))
	h.CPUs, h.GOMAXPROCS = runtime.NumCPU(), runtime.GOMAXPROCS(0)
	h.GoVersion, h.GOARCH = runtime.Version(), runtime.GOARCH
	h.Arguments = os.Args[min(1, len(os.Args)):]
	h.Programs = map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		h.Programs[info.Main.Path] = info.Main.Version
	}
	return h
}

// readHost reads what the kernel says about itself below root.
func readHost(root fs.FS) Host {
	read := func(path string) string {
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	h := Host{
		CPUModel:  field(read("proc/cpuinfo"), "model name"),
		MemoryKiB: strings.TrimSuffix(field(read("proc/meminfo"), "MemTotal"), " kB"),
		Kernel:    read("proc/sys/kernel/osrelease"),
		SchedExt:  read("sys/kernel/sched_ext/state"),
		PSI:       read("proc/pressure/cpu") != "",
	}
	if ops := read("sys/kernel/sched_ext/root/ops"); ops != "" {
		h.SchedExt += " (" + ops + ")"
	}
	h.Preemption = preemption(read("sys/kernel/debug/sched/preempt"), read("proc/cmdline"), read("proc/version"))
	return h
}

// preemption finds the preemption model: the running one (only root may ask), the
// one asked for at boot, or what the kernel was built with.
func preemption(running, cmdline, version string) string {
	// The file lists all models with the current one in brackets.
	if _, rest, ok := strings.Cut(running, "("); ok {
		if current, _, ok := strings.Cut(rest, ")"); ok {
			return current
		}
	}
	for word := range strings.FieldsSeq(cmdline) {
		if model, ok := strings.CutPrefix(word, "preempt="); ok {
			return model + " (boot)"
		}
	}
	for word := range strings.FieldsSeq(version) {
		if strings.HasPrefix(word, "PREEMPT") {
			return word + " (build)"
		}
	}
	return ""
}

// field is the value of the first "name : value" line of text.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
