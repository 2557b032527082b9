package chaos

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A machine that stands still for a second, because it is a virtual one or somebody
// freezes all processes, breaks every promise about time and says nothing about the
// bridge. What was tried meanwhile is tried again.
const (
	stoodStill = time.Second
	attempts   = 3
)

// steadily tries until the machine has not stood still meanwhile, or attempts are over.
func steadily(ctx context.Context, try func() (Row, error)) (row Row, err error) {
	var notes []string
	for n := 1; ; n++ {
		var still time.Duration
		watching, stop := context.WithCancel(ctx)
		var watch sync.WaitGroup
		watch.Go(func() { still = longestGap(watching) })
		row, err = try()
		stop()
		watch.Wait()
		if still < stoodStill || n == attempts || ctx.Err() != nil {
			if still >= stoodStill {
				notes = append(notes, fmt.Sprintf("the machine stood still for %v", still.Round(time.Second/10)))
			}
			row.Notes = append(row.Notes, notes...)
			return row, err
		}
		notes = append(notes, fmt.Sprintf("tried again: the machine stood still for %v", still.Round(time.Second/10)))
	}
}

// longestGap is how much too late it was woken at worst until ctx ended.
func longestGap(ctx context.Context) (worst time.Duration) {
	const step = 20 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return worst
		}
		now := time.Now()
		worst = max(worst, now.Sub(last)-step)
		last = now
	}
}
