package ipc_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// TestSpecSyscallGroups compares the table of section 15.3 with the package that
// builds the features: a kernel written from the table must mean the same columns.
func TestSpecSyscallGroups(t *testing.T) {
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "### 15.3 ")
	if !ok {
		t.Fatal("PROTOCOL.md has no section 15.3")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	classes := []string{"file", "memory", "process", "identity", "network", "wait", "other"}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| (\w+) \| (\w+) \| (.*) \|$`).FindAllStringSubmatch(section, -1)
	if len(rows) != syscalls.Groups || len(classes) != int(syscalls.Classes) {
		t.Fatalf("PROTOCOL.md has %d groups, the code %d", len(rows), syscalls.Groups)
	}
	for i, row := range rows {
		g := syscalls.Group(i)
		if row[1] != fmt.Sprint(i) || row[2] != g.String() || row[3] != classes[g.Class()] {
			t.Errorf("PROTOCOL.md has group %s %s of class %s; the code has %d %s of class %s", row[1], row[2], row[3], i, g, classes[g.Class()])
		}
		if i == syscalls.Groups-1 {
			continue // whatever is not named
		}
		for _, call := range strings.Fields(row[4]) {
			if syscalls.Named(call) != g {
				t.Errorf("PROTOCOL.md puts %s into %s, the code into %s", call, g, syscalls.Named(call))
			}
		}
	}
	if want := fmt.Sprintf("\n%d numbers: 117 about the last n", syscalls.Width); !strings.Contains(string(text), want) {
		t.Errorf("the code writes %d features, PROTOCOL.md says otherwise", syscalls.Width)
	}
}
