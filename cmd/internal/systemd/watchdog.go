package systemd

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// WatchdogInterval is how often the service manager wants to hear that the daemon is
// alive, or it will be restarted; 0 where it does not.
func WatchdogInterval() time.Duration {
	d, err := daemon.SdWatchdogEnabled(true)
	if err != nil {
		return 0
	}
	return d
}

// Feed asks the daemon something real twice an interval, and feeds the watchdog as
// often as it answers within half of it. A daemon that cannot answer is then restarted,
// whatever the reason. It returns when ctx ends.
func (n *Notifier) Feed(ctx context.Context, interval time.Duration, ask func(context.Context) error, failed func(error)) {
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		in, cancel := context.WithTimeout(ctx, interval/2)
		err := ask(in)
		cancel()
		switch {
		case err == nil:
			n.Alive()
		case ctx.Err() == nil:
			failed(err)
		}
	}
}
