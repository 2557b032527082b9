package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/record"

	"github.com/vmihailenco/msgpack/v5"
)

// recordingOf writes a recording of some calls that a bridge answered with answer.
func recordingOf(t *testing.T, answer ipctest.Answer) string {
	t.Helper()
	return recordingEvery(t, time.Millisecond, answer)
}

func recordingEvery(t *testing.T, pause time.Duration, answer ipctest.Answer) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording")
	r, err := record.Start(record.Config{Path: path, Name: "old bridge"})
	if err != nil {
		t.Fatal(err)
	}
	now := ipc.Now()
	for i := range uint64(40) {
		q := ipctest.Request(ipc.Kinds[i%4], i)
		slots := []any{[]any{uint8(q.Kind()), msgpack.RawMessage(ipc.AppendRequest(nil, q))}}
		at := now.Add(time.Duration(i) * pause)
		r.Message(1+i%3, false, at, ipctest.Message(ipctest.TypePredict, i+1, int64(30e9), slots)[4:])
		r.Message(1+i%3, true, at+1000, ipctest.ReplyTo(i+1, []ipc.Reply{answer(q)})[4:])
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func unlike(q ipc.Request) ipc.Reply {
	r := ipctest.ModelReply(q)
	r.Workload.Memory++
	return r
}

func TestReplay(t *testing.T) {
	same, another := fakeBridge(t), ipctest.Listen(t, ipctest.Script(ipctest.Handshake(ipctest.DefaultHello()), ipctest.Serve(unlike))).Path
	mute := ipctest.Listen(t, ipctest.Script(ipctest.Handshake(ipctest.DefaultHello()), ipctest.Hang())).Path
	file := recordingOf(t, ipctest.ModelReply)
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("MLBREC\x00\x09 and what a later version writes"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for _, c := range []struct {
		name string
		args []string
		code int
		says string // on either stream
	}{
		// Redaction changes no answer of these bridges: they look at readings alone.
		{"the same answers", []string{file, "--socket", same, "--require-same", "--out", out}, 0, "recorded and bridge"},
		{"two bridges that differ", []string{file, "--socket", same, "--against", another, "--require-same"}, 3, "bridge and against"},
		{"and nobody minds", []string{file, "--socket", same, "--against", another, "--speed", "10"}, 0, "10 times its speed"},
		{"through the kernel side's client", []string{file, "--socket", same, "--client", "ml"}, 0, "40 calls"},
		{"too few callers", []string{file, "--socket", mute, "--callers", "1", "--budget", "20ms"}, 1, "calls were not sent"},
		{"no bridge", []string{file, "--socket", filepath.Join(out, "absent")}, 1, "start ml-bridge"},
		{"a file of a later version", []string{broken, "--socket", same}, 1, "version 9"},
		{"a report that cannot be", []string{file, "--socket", same, "--out", "/proc/no-such-place"}, 1, "--out: mkdir /proc/no-such-place"},
		{"no file", []string{filepath.Join(out, "absent")}, 2, "absent"},
		{"no speed", []string{file, "--speed", "0"}, 2, "--speed"},
		{"no connection", []string{file, "--connections", "0"}, 2, "--connections"},
		{"no caller", []string{file, "--callers", "0"}, 2, "--callers"},
		{"a long budget", []string{file, "--budget", "2h"}, 2, "--budget"},
	} {
		cmd, stdout, stderr := command(t, append([]string{"replay"}, c.args...)...)
		_ = cmd.Run() // the code says it
		all := stdout.String() + stderr.String()
		if got := cmd.ProcessState.ExitCode(); got != c.code || !strings.Contains(all, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s", c.name, got, c.code, c.says, all)
		}
	}
	for _, name := range []string{"replay.json", "replay.txt"} {
		if text, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.Contains(string(text), "old bridge") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// An interrupted replay reports on what it has played, beside the report of a whole one.
func TestInterruptedReplayReports(t *testing.T) {
	dir := t.TempDir()
	cmd, stdout, _ := command(t, "replay", recordingEvery(t, time.Minute, ipctest.ModelReply), "--socket", fakeBridge(t), "--out", dir)
	interrupted(t, cmd, syscall.SIGTERM)
	if !strings.Contains(stdout.String(), "interrupted; 39 calls were not sent") {
		t.Errorf("the report does not say so:\n%s", stdout)
	}
	if _, err := os.Stat(filepath.Join(dir, "replay-partial.json")); err != nil {
		t.Error(err)
	}
}
