package trace

import "testing"

func TestSyscallTable(t *testing.T) {
	for _, c := range []struct {
		nr   uint16
		name string
		n32  uint16
	}{
		{0, "read", 3},
		{59, "execve", 11},
		{257, "openat", 5},
		{262, "newfstatat", 195},
		{9, "mmap", 192},
		{44, "sendto", 102},
		{41, "socket", 102},
		{302, "prlimit64", 340},
		{318, "getrandom", 355},
		{8, "lseek", 140},
		{231, "exit_group", 252},
	} {
		if got := SyscallName(c.nr); got != c.name {
			t.Errorf("SyscallName(%d) = %q, want %q", c.nr, got, c.name)
		}
		if got, ok := SyscallNumber(c.name); !ok || got != c.nr {
			t.Errorf("SyscallNumber(%q) = %d, %v, want %d", c.name, got, ok, c.nr)
		}
		if got := Syscall32(c.nr); got != c.n32 {
			t.Errorf("Syscall32(%d) = %d, want %d", c.nr, got, c.n32)
		}
	}
}

func TestSyscallTableGaps(t *testing.T) {
	for _, nr := range []uint16{335, 423, 999, 65535} {
		if got := SyscallName(nr); got != "" {
			t.Errorf("SyscallName(%d) = %q, want none", nr, got)
		}
		if got := Syscall32(nr); got != Unknown32 {
			t.Errorf("Syscall32(%d) = %d, want %d", nr, got, Unknown32)
		}
	}
	if nr, ok := SyscallNumber("no_such_call"); ok {
		t.Errorf("SyscallNumber(no_such_call) = %d", nr)
	}
	// The mapping is by name, so it never goes astray: a number and its name agree.
	for nr, name := range loadTable().names {
		if back, ok := SyscallNumber(name); name != "" && (!ok || int(back) != nr) {
			t.Errorf("SyscallNumber(%q) = %d, %v, want %d", name, back, ok, nr)
		}
	}
}

func TestParseTableRefuses(t *testing.T) {
	for _, csv := range []string{"", "nr,name\n0,read\n", "nr,name,i386\n0,read\n", "nr,name,i386\nx,read,3\n", "nr,name,i386\n99999,read,3\n"} {
		if _, err := parseTable(csv); err == nil {
			t.Errorf("parseTable(%q) succeeded", csv)
		}
	}
}
