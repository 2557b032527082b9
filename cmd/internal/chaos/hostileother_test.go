package chaos

import (
	"os"
	"testing"
	"time"
)

func TestHomeTasks(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		tasks      int
		used, want time.Duration
		n          int
	}{
		{256, 650 * ms, 650 * ms, 256},
		{256, 640 * ms, 320 * ms, 128},
		{10, 100 * ms, 154 * ms, 15},
		{10, 100 * ms, 156 * ms, 16},
		{256, 650 * ms, 0, 1},
		{3, 0, 0, 1},
	} {
		if n := homeTasks(c.tasks, c.used, c.want); n != c.n {
			t.Errorf("where %d use %v, %d use %v, want %d", c.tasks, c.used, n, c.want, c.n)
		}
	}
}

// At home a peer's program is told how many tasks it is to have by what it used before.
func TestAtHome(t *testing.T) {
	e := &Env{Self: os.Args[0]}
	var dribbles Mode
	for _, m := range Modes {
		if m.home != nil {
			dribbles = m
		}
	}
	self := &Chain{bridge: &Process{PID: os.Getpid()}}
	home := e.atHome(self, dribbles, 50*time.Millisecond)
	as := Use{Threads: [][]Run{{{0, time.Millisecond}}}}
	for range 2 { // the first after one that does not count
		if turn, err := home(t.Context(), &as); err != nil || turn.cpu <= 0 || turn.lasts < 50*time.Millisecond || turn.threads != 1 {
			t.Errorf("%+v, %v", turn, err)
		}
	}
}
