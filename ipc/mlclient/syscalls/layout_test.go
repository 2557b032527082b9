package syscalls

import (
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// The numbers in the package documentation are part of the protocol.
func TestLayoutIsTheDocumentedOne(t *testing.T) {
	if Groups != 63 || windowWidth != 117 || Width != 128 || int(Classes) != 7 {
		t.Fatalf("%d groups, %d and %d columns, %d classes: doc.go says 63, 117, 128, 7", Groups, windowWidth, Width, Classes)
	}
	if Width > ipc.MaxSyscallFeatures {
		t.Fatalf("%d columns, the protocol carries %d", Width, ipc.MaxSyscallFeatures)
	}
}

func TestEveryCallIsInOneGroup(t *testing.T) {
	seen := map[string]Group{}
	for g := range groupList {
		for _, call := range strings.Fields(groupList[g].words)[1:] {
			if before, ok := seen[call]; ok {
				t.Errorf("%s is in groups %v and %v", call, before, Group(g))
			}
			seen[call] = Group(g)
		}
	}
}

func TestNumbersOfBothTablesMeet(t *testing.T) {
	for _, c := range []struct {
		x8664, i386 int
		want        string
	}{
		{0, 3, "read"},
		{257, 5, "open"},
		{59, 11, "execve"},
		{41, 102, "socket"},
		{105, 23, "setuid"},
		{231, 252, "exit"},
		{9, 192, "mmap"},
		{4, 195, "stat"},
		{-1, -1, "other"},
		{5000, 5000, "other"},
	} {
		if a, b := X8664(c.x8664), I386(c.i386); a.String() != c.want || b.String() != c.want {
			t.Errorf("X8664(%d) = %v, I386(%d) = %v, want %s", c.x8664, a, c.i386, b, c.want)
		}
	}
}
