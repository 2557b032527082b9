package ipc

import (
	"os"
	"os/exec"
	"testing"
)

func TestEndedPeers(t *testing.T) {
	child := exec.Command("true")
	if err := child.Run(); err != nil { // which waits for it: its number is free again
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		pid   int
		ended bool
	}{
		{"this process", os.Getpid(), false},
		{"the first one, which may be another user's", 1, false},
		{"a process of another namespace", 0, false},
		{"a child that has ended", child.Process.Pid, true},
	} {
		if got := (Peer{PID: int32(c.pid)}).ended(); got != c.ended {
			t.Errorf("%s: ended() = %v", c.name, got)
		}
	}
}
