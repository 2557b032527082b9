package mlclient

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// A slot without a request is refused, and harms none of the others.
func TestASlotWithoutARequest(t *testing.T) {
	c := New(Config{Path: filepath.Join(t.TempDir(), "nobody"), Name: "nil"})
	defer c.Close()
	var replies [2]ipc.Reply
	err := c.Predict(t.Context(), []ipc.Request{nil, &ipc.FailureRequest{Component: "memory"}}, replies[:], ipc.Options{Budget: time.Millisecond})
	if err != nil || replies[0].Status != ipc.StatusInvalidArgument || replies[0].Error != "no request" || replies[1].Source != ipc.SourceRule {
		t.Errorf("%v, %+v", err, replies)
	}
	var r ipc.Reply
	if c.Lookup(nil, &r); r.Status != ipc.StatusInvalidArgument || r.Error != "no request" {
		t.Errorf("%+v", r)
	}
}
