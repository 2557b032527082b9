package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/bridge"
)

// statusPeriod is how often the status line is written anew.
const statusPeriod = 5 * time.Second

// announce tells the service manager READY when the bridge has answered a question that
// came through its socket, and from then on how it is doing; and feeds the watchdog with
// such questions.
func (p *process) announce(ctx context.Context) error {
	fed, err := p.systemd.Announce(ctx, p.self.ask, p.statusLine, func(err error) {
		p.log.Error().Err(err).Msg("no answer on the own socket: the watchdog is not fed")
	})
	if !fed {
		p.self.close()
	}
	if err == nil && p.systemd.Listens() {
		go p.tell(ctx)
	}
	return err
}

func (p *process) tell(ctx context.Context) {
	tick := time.NewTicker(statusPeriod)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if line := p.statusLine(); line != said && !p.draining.Load() {
			p.systemd.Status(line)
			said = line
		}
	}
}

// statusLine is how the bridge is doing, in a line.
func (p *process) statusLine() string {
	up, what := p.bridge.Upstream(), "models answer"
	failing, standings := reasons(up.Failing()), p.standings()
	switch {
	case p.bridge.ModelsOff():
		what = standings[0]
	case up.State == bridge.UpstreamDown:
		what = "the daemon does not answer, " + insteadOfAll(p.bridge.Scores(), false) + ": " + up.Reason
	case len(failing) > 0:
		what = "rules serve where models fail: " + failing[0]
	case len(standings) > 0:
		what = strings.Join(standings, "; ")
	}
	s := p.bridge.ServerStats()
	return fmt.Sprintf("%d connections, %d questions so far; %s", s.Connections, s.Slots, what)
}
