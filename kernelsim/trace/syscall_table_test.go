package trace

import "testing"

func TestSyscallTable(t *testing.T) {
	for nr, name := range map[uint16]string{
		0: "read", 9: "mmap", 59: "execve", 257: "openat", 262: "newfstatat", 318: "getrandom",
		335: "", 423: "", 999: "", 65535: "", // gaps, and past the end
	} {
		if got := SyscallName(nr); got != name {
			t.Errorf("SyscallName(%d) = %q, want %q", nr, got, name)
		}
	}
}

func TestParseTableRefuses(t *testing.T) {
	for _, csv := range []string{"", "nr\n0\n", "nr,name\n0\n", "nr,name\n0,read,3\n", "nr,name\nx,read\n", "nr,name\n99999,read\n"} {
		if _, err := parseTable(csv); err == nil {
			t.Errorf("parseTable(%q) succeeded", csv)
		}
	}
}
