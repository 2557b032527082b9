package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// stops is how often a processor quota stopped this process's control group so far, and for
// how long, its threads on all processors together.
type stops struct {
	times int64
	lost  time.Duration
}

// quotaStops reads them (Documentation/admin-guide/cgroup-v2.rst, cpu.stat; version 1 has it
// in ns, where the cpu controller is mounted). A group without a quota has none.
func quotaStops(proc, sys string) (s stops) {
	f, err := os.Open(filepath.Join(proc, "self/cgroup"))
	if err != nil {
		return stops{}
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		_, rest, _ := strings.Cut(lines.Text(), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		for name := range strings.SplitSeq(controllers, ",") {
			if name == "" || name == "cpu" {
				s.add(filepath.Join(sys, "fs/cgroup", name, group, "cpu.stat"))
			}
		}
	}
	return s
}

func (s *stops) add(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
		case name == "nr_throttled":
			s.times += n
		case name == "throttled_usec":
			s.lost += time.Duration(n) * time.Microsecond
		case name == "throttled_time":
			s.lost += time.Duration(n)
		}
	}
}

// tellStops says what happened between two readings, if anything.
func tellStops(from, to stops) string {
	if to.times <= from.times {
		return ""
	}
	return fmt.Sprintf("During the load a processor quota stopped the control group that kernelsim runs in %d times, for %v in all (cpu.stat). "+
		"That makes calls late which a bridge answers in time: measure without one (in Kubernetes, without a limit of cpu).",
		to.times-from.times, (to.lost - from.lost).Round(time.Millisecond))
}
