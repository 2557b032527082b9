package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A walk through memory never finds a page where it was used last; the rule's next
// page, with no bridge at all, is the right one from the third access on.
func TestAWalkIsPredicted(t *testing.T) {
	var trace, out strings.Builder
	for i := range 200 {
		fmt.Fprintf(&trace, "7 0x7f%010x r\n", i*4096)
	}
	args := []string{"-socket", filepath.Join(t.TempDir(), "none"), "-wait", "0", "-confidence", "0"}
	if err := run(t.Context(), args, strings.NewReader(trace.String()), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"used last                    0 of 200 accesses", "used last and predicted next 197 of 200 accesses", "200 answers from the rule",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestRecordedTracesAreRead(t *testing.T) {
	trace := "# mlbridge-trace: 1\n\nat_ns,agent,addr,type,major\n0,1,139911799492608,w,0\n5,1,139911799492609,x,1\n"
	var out strings.Builder
	if err := run(t.Context(), []string{"-socket", filepath.Join(t.TempDir(), "none"), "-wait", "0"}, strings.NewReader(trace), &out); err != nil {
		t.Fatal(err)
	}
	if want := "used last                    1 of 2 accesses"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in:\n%s", want, out.String())
	}
	agent, address, kind, err := parse("5,1,139911799492609,x,1")
	if agent != 1 || address != 139911799492609 || kind != 2 || err != nil {
		t.Errorf("%d %d %d %v", agent, address, kind, err)
	}
}

func TestBadLinesAreNamed(t *testing.T) {
	for line, want := range map[string]string{"7": "line 2", "x 0x1": "invalid syntax", "7 zz": "invalid syntax", "7 1 r r": "agent address"} {
		err := run(t.Context(), []string{"-socket", filepath.Join(t.TempDir(), "none"), "-wait", "0"}, strings.NewReader("7 1000 w\n"+line+"\n"), new(strings.Builder))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want a word about %q", line, err, want)
		}
	}
}

func TestTierKeepsWhatWasUsedLast(t *testing.T) {
	f := newTier(2)
	for _, p := range []uint64{1, 2, 1, 3} { // 2 goes
		f.use(p)
	}
	f.bring(4) // 1 goes
	f.use(4)
	f.use(3)
	f.use(1)
	if f.hits != 3 || f.misses != 4 || f.brought != 1 || f.useful != 1 {
		t.Errorf("%+v", f)
	}
}
