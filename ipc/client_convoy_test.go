package ipc

import (
	"context"
	"testing"
	"time"
)

// queuedBytes is what lies in the client's queue.
func queuedBytes(c *Client) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out)
}

// TestConvoyHoldsFrames plays two callers that were woken together: the first to come
// back leaves its frame to the second, which writes it when it goes.
func TestConvoyHoldsFrames(t *testing.T) {
	reqs := []Request{&WorkloadRequest{AgentID: 1}}
	for _, c := range []struct {
		name string
		left time.Duration
		prep func(v *convoy)
		held bool
	}{
		{"time enough", time.Minute, func(*convoy) {}, true},
		{"little time left", holdLeft - 1, func(*convoy) {}, false},
		{"held for long already", time.Minute, func(v *convoy) { v.since = Now().Add(-holdFor) }, false},
		{"nobody on the way out", time.Minute, func(v *convoy) { v.returning = 0 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := echoClient(t)
			client.mu.Lock()
			last := client.records.Get()
			last.done, last.together = make(chan struct{}, 1), true
			client.convoy.returning = 1
			c.prep(&client.convoy)
			client.mu.Unlock()

			replies := make([]Reply, 1)
			call, err := client.begin(reqs, replies, Options{}, c.left, false)
			if err != nil {
				t.Fatal(err)
			}
			if held := queuedBytes(client) > 0; held != c.held {
				t.Errorf("frame held: %v, want %v", held, c.held)
			}
			if c.held {
				client.release(last)
			}
			if n := queuedBytes(client); n != 0 {
				t.Errorf("%d bytes wait though nobody is left to write them", n)
			}
			err = client.await(context.Background(), call)
			if c.left == time.Minute && (err != nil || replies[0].Status != StatusOK) {
				t.Errorf("the call ended with %v, %+v", err, replies[0])
			}
			client.release(call)
		})
	}
}
