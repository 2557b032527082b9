package systemd

import (
	"context"
	"fmt"
	"time"
)

// startPatience is how long a daemon may take to answer its first question.
const startPatience = 10 * time.Second

// Announce says READY once the daemon has answered ask, a question that goes through its
// own socket, and from then on feeds the watchdog with such questions until ctx ends;
// failed hears of those that were not answered. It reports whether there is a watchdog,
// which is to say whether ask will be called again. Where nobody listens it does nothing.
func (n *Notifier) Announce(ctx context.Context, ask func(context.Context) error, status func() string, failed func(error)) (fed bool, err error) {
	if !n.Listens() {
		return false, nil
	}
	asking, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := ask(asking); err != nil {
		return false, fmt.Errorf("no answer on the own socket: %w", err)
	}
	n.Ready(status())
	interval := WatchdogInterval()
	if interval > 0 {
		go n.Feed(ctx, interval, ask, failed)
	}
	return interval > 0, nil
}
