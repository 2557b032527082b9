package trace

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// syscalls.csv is made by testdata/traces/record/number_table.py from the
// kernel's own headers.
//
//go:embed syscalls.csv
var syscallCSV string

// syscallNames has the names by number, "" for a gap.
var syscallNames = sync.OnceValue(func() []string {
	names, err := parseTable(syscallCSV)
	if err != nil {
		panic(err) // part of the binary, and a test parses it
	}
	return names
})

func parseTable(csv string) (names []string, err error) {
	header, rest, _ := strings.Cut(csv, "\n")
	if header != "nr,name" {
		return nil, fmt.Errorf("trace: syscalls.csv: header %q", header)
	}
	for line := range strings.Lines(rest) {
		r := newRow([]byte(strings.TrimSuffix(line, "\n")))
		nr, name := uint16(r.uint(1<<12)), string(r.field())
		if err := r.end(); err != nil {
			return nil, fmt.Errorf("trace: syscalls.csv: %w", err)
		}
		for len(names) <= int(nr) {
			names = append(names, "")
		}
		names[nr] = name
	}
	return names, nil
}

// SyscallName names an x86-64 system call, "" if there is none with that number.
func SyscallName(nr uint16) string {
	if names := syscallNames(); int(nr) < len(names) {
		return names[nr]
	}
	return ""
}
