package row

import (
	"testing"
	"time"
)

// TestCountSince: a server that allocates 10 a reading and 1,000 in between.
func TestCountSince(t *testing.T) {
	mean := func(first float64) count { // readings at first, +10, +20, +30
		return count{mean: first + 15, reading: 10, known: true}
	}
	before := mean(100) // ends at 130
	after := mean(1140) // the first reading adds 10 again
	if got := after.since(before); got != 1000 {
		t.Errorf("since = %v, want 1000", got)
	}
}

// TestTurns: every client gets its turn, and the end of all ends the turns.
func TestTurns(t *testing.T) {
	finished, running := make(chan struct{}), make(chan *duellist, 2)
	running <- new(duellist) // without a process, nobody is signalled
	ended := make(chan struct{})
	go func() {
		takeTurns(finished, running, 2)
		close(ended)
	}()
	running <- new(duellist)
	close(finished)
	select {
	case <-ended:
	case <-time.After(10 * time.Minute):
		t.Error("the turns go on without clients")
	}
}
