// Package report turns the figures of all rows into a table, a JSON file and a picture.
package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine says where the figures come from: they mean little without it.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Load   string `json:"load_average"`
}

// ThisMachine reads the facts from the kernel.
func ThisMachine() Machine {
	m := Machine{CPU: "unknown", Cores: runtime.NumCPU(), Go: runtime.Version()}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
	}
	average, _ := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(average)); len(f) >= 3 {
		m.Load = strings.Join(f[:3], " ")
	}
	return m
}

// String is one line for people.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, Linux %s, %s, load at the start %s", m.CPU, m.Cores, m.Kernel, m.Go, m.Load)
}
