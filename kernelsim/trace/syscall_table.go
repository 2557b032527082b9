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

// Unknown32 stands in the 32-bit table for a call without a counterpart there.
// (340 is prlimit64 itself, and what our ADFA-style training data has for "unknown".)
const Unknown32 = 340

// table is syscalls.csv parsed, once.
type table struct {
	names   []string // by x86-64 number, "" for a gap
	table32 []uint16 // by x86-64 number
	numbers map[string]uint16
}

var loadTable = sync.OnceValue(func() *table {
	t, err := parseTable(syscallCSV)
	if err != nil {
		panic(err) // part of the binary, and a test parses it
	}
	return t
})

func parseTable(csv string) (*table, error) {
	t := &table{numbers: make(map[string]uint16)}
	header, rest, _ := strings.Cut(csv, "\n")
	if header != "nr,name,i386" {
		return nil, fmt.Errorf("trace: syscalls.csv: header %q", header)
	}
	for line := range strings.Lines(rest) {
		r := newRow([]byte(strings.TrimSuffix(line, "\n")))
		nr, name, n32 := uint16(r.uint(1<<12)), string(r.field()), uint16(r.uint(1<<12))
		if err := r.end(); err != nil {
			return nil, fmt.Errorf("trace: syscalls.csv: %w", err)
		}
		for len(t.names) <= int(nr) {
			t.names = append(t.names, "")
			t.table32 = append(t.table32, Unknown32)
		}
		t.names[nr], t.table32[nr], t.numbers[name] = name, n32, nr
	}
	return t, nil
}

// SyscallName names an x86-64 system call, "" if there is none with that number.
func SyscallName(nr uint16) string {
	if t := loadTable(); int(nr) < len(t.names) {
		return t.names[nr]
	}
	return ""
}

// SyscallNumber is the x86-64 number of a system call's name.
func SyscallNumber(name string) (uint16, bool) {
	nr, ok := loadTable().numbers[name]
	return nr, ok
}

// Syscall32 brings an x86-64 number to the 32-bit x86 table, by name, the way
// the ADFA-style training data is numbered: at-, 64-bit and numbered variants
// go to the older call (openat to open, newfstatat to stat64, mmap to mmap2),
// every socket call to socketcall (102), the rest to Unknown32.
func Syscall32(nr uint16) uint16 {
	if t := loadTable(); int(nr) < len(t.table32) {
		return t.table32[nr]
	}
	return Unknown32
}
