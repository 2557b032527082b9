package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/record"
)

// ml-bridge keeps what it was asked and what it said, without the ids.
func TestRecordKeepsCallsWithoutIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recording")
	b := start(t, "ml-bridge", "--socket", t.TempDir()+"/b.sock", "--http", "127.0.0.1:0", "--models", "embedded", "--record", path)
	c := dial(t, b.at.Socket)
	reqs := fresh(42)
	replies := make([]ipc.Reply, len(reqs))
	if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: startup}); err != nil {
		t.Fatal(err)
	}
	if _, page := get(t, "http://"+b.at.HTTP+"/metrics"); !strings.Contains(page, "mlbridge_record_lost_total 0") {
		t.Error("/metrics does not tell what the recording lost")
	}
	b.signal(syscall.SIGTERM)
	if code := b.end(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := record.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Cut || !rec.Header.Redacted || len(rec.Calls) != 1 {
		t.Fatalf("recording = %+v", rec)
	}
	asked, err := ipc.ParsePredict(rec.Calls[0].Question)
	if err != nil {
		t.Fatal(err)
	}
	said, err := ipc.ParseReply(rec.Calls[0].Answer)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range reqs {
		kept := asked.Requests[i]
		if kept.Kind() != q.Kind() || kept.Subject() == q.Subject() {
			t.Errorf("slot %d is kept as %+v, want %+v about somebody unknown", i, kept, q)
		}
		if said.Replies[i] != replies[i] {
			t.Errorf("slot %d: the answer is kept as %+v, want %+v", i, said.Replies[i], replies[i])
		}
	}
}
