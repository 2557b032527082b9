package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]struct {
		pid    uint64
		number int
		ok     bool
	}{
		"812 257": {812, 257, true},
		`812   [ 257] openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3`:   {812, 257, true},
		"812   [   0] read(3,  <unfinished ...>":                       {812, 0, true},
		"812   [   0] <... read resumed>\"\", 1) = 0":                  {0, 0, false},
		"812   +++ exited with 0 +++":                                  {812, 0, false},
		"812   --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---": {812, 0, false},
		"Attaching 1 probe...":                                         {0, 0, false},
		"":                                                             {0, 0, false},
		"812 -1":                                                       {812, -1, false},
	} {
		pid, number, ok := parse(line)
		if ok != want.ok || (ok && (pid != want.pid || number != want.number)) {
			t.Errorf("parse(%q) = %d, %d, %v; want %+v", line, pid, number, ok, want)
		}
	}
}

// Without a bridge the rule answers, once for every hundred calls of a process.
func TestRunsWithoutABridge(t *testing.T) {
	calls := strings.Repeat("7 0\n7 1\n8 257\n", 100)
	var out strings.Builder
	if err := run(t.Context(), []string{"-socket", filepath.Join(t.TempDir(), "none"), "-wait", "0", "-above", "-1"}, strings.NewReader(calls), &out); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if strings.Count(got, "pid 7: ") != 2 || strings.Count(got, "pid 8: ") != 1 || strings.Count(got, "(rule rule-threat@1, bridge unavailable)") != 3 ||
		!strings.Contains(got, "2 processes, 3 questions, 3 above -1") {
		t.Errorf("three hundred calls of two processes:\n%s", got)
	}
}
