package chaos

import (
	"context"
	"time"
)

// other has what a peer is compared with take a turn: a process that uses the processors
// as much as the peer did, and stays away from the socket.
//
// How it uses them matters as much as how much: a peer of which 256 tasks wake up together
// computes for 0.2 ms at a time, and that is its own doing, not the bridge's; with as much in
// shorter pieces others feel half of it. So the peer notes when each of its threads wanted to
// run and how long it did, and a small program does the same over again.
//
// It cannot do so quite. Go's threads take over each other's work where one is kept waiting,
// and those of a recording do not: a dribbler that is recorded and played is felt a fifth
// less than the dribbler, also where that one dribbles on connections to itself. So a peer
// that can do what it does at home, without the bridge, is compared with itself there, with
// as many tasks as use the processors as much.
type other func(ctx context.Context, as *Use) (turned, error)

// other says what a mode is compared with.
func (m *Mode) other() string {
	if m.home != nil {
		return "the same on connections to itself, as many as use as much of the processors"
	}
	return "a process that uses as much of the processors, without the socket"
}

// otherThan is what a mode is compared with, in turns of so long.
func (e *Env) otherThan(c *Chain, mode Mode, turn time.Duration) (other, error) {
	if mode.home != nil {
		return e.atHome(c, mode, turn), nil
	}
	program, err := buildBurner(c.dir)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, as *Use) (turned, error) {
		h, err := startBurner(program, as)
		if err != nil {
			return turned{}, err
		}
		t, err := otherTurn(ctx, c, h, turn)
		t.threads = len(as.Threads)
		return t, err
	}, nil
}

// atHome has the mode's own program do it. How many tasks use how much is what its latest
// turn says, and before the first a turn that does not count.
func (e *Env) atHome(c *Chain, mode Mode, turn time.Duration) other {
	tasks, used := 0, time.Duration(0)
	once := func(ctx context.Context, n int) (t turned, err error) {
		h, err := e.startHelper(HelperPlan{Mode: mode.Name, Home: n}, nil)
		if err != nil {
			return t, err
		}
		t, err = otherTurn(ctx, c, h, turn)
		tasks, used = n, t.cpu
		return t, err
	}
	return func(ctx context.Context, as *Use) (turned, error) {
		if tasks == 0 {
			if t, err := once(ctx, mode.tasks); err != nil {
				return t, err
			}
		}
		t, err := once(ctx, homeTasks(tasks, used, as.total()))
		t.threads = len(as.Threads)
		return t, err
	}
}

// homeTasks is how many tasks use so much, where so many used so much.
func homeTasks(tasks int, used, want time.Duration) int {
	return max(1, int(float64(tasks)*float64(want)/float64(max(used, 1))+0.5))
}

// otherTurn has a process that has just been started take a turn, and ends it.
func otherTurn(ctx context.Context, c *Chain, p *Process, lasts time.Duration) (t turned, err error) {
	defer p.Kill()
	if t, err = takeTurn(ctx, c, p, lasts); err == nil {
		err = pause(ctx, hostileTail)
	}
	return t, err
}
