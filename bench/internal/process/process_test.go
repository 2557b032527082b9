package process

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCPUTimeCounts(t *testing.T) {
	pids := []int{os.Getpid()}
	before := CPUTime(pids)
	for n := 0; CPUTime(pids)-before < 5*time.Millisecond; n++ {
		if n > 1e9 {
			t.Fatal("the CPU clock stands still")
		}
	}
}

// TestPinned asks the kernel which cores a child may use.
func TestPinned(t *testing.T) {
	s, err := NewStarter()
	if err != nil {
		t.Fatal(err)
	}
	allowed := func(pinned bool) string {
		out, err := s.Output(t.Context(), pinned, "sed", "-n", "s/^Cpus_allowed_list://p", "/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	if one := allowed(true); strings.ContainsAny(one, ",-") {
		t.Errorf("a pinned child may use the cores %s", one)
	}
	if all := allowed(false); s.all.Count() > 1 && !strings.ContainsAny(all, ",-") {
		t.Errorf("a free child after it may use only core %s", all)
	}
}

func TestServe(t *testing.T) {
	s, err := NewStarter()
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Serve(t.Context(), false, "sh", "-c", "echo starting; echo READY here; exec cat")
	if err != nil {
		t.Fatal(err)
	}
	if v.Ready != "READY here" {
		t.Errorf("Ready = %q", v.Ready)
	}
	if got, err := v.Ask("ping"); err != nil || got != "ping" {
		t.Errorf("Ask = %q, %v", got, err)
	}
	v.Stop()
	if _, err := os.Stat("/proc/" + strconv.Itoa(v.PID)); err == nil {
		t.Error("the server still runs after Stop")
	}
	if _, err := s.Serve(t.Context(), false, "sh", "-c", "echo no port >&2; exit 1"); err == nil || !strings.Contains(err.Error(), "no port") {
		t.Errorf("a server that failed gave the error %v", err)
	}
}

// TestOutputEndsWithContext: a client that hangs must not outlive its time.
func TestOutputEndsWithContext(t *testing.T) {
	s, err := NewStarter()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Output(ctx, false, "sleep", "600"); err == nil {
		t.Error("no error from a program that was cut short")
	}
}
