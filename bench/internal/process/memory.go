package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Resident gives the bytes of memory that a process has in RAM (VmRSS of proc(5)).
// What the kernel keeps for its sockets is not in it.
func Resident(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("resident memory: %w", err)
	}
	for line := range bytes.Lines(status) {
		value, ok := bytes.CutPrefix(line, []byte("VmRSS:"))
		if !ok {
			continue
		}
		kB, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("resident memory: %w", err)
		}
		return kB << 10, nil
	}
	return 0, fmt.Errorf("resident memory: process %d has none", pid)
}
