package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/cmd/internal/tracing"
	"github.com/mlbridge/mlbridge/daemon"
	"github.com/rs/zerolog"
)

var (
	errMaxConns = errors.New("--max-conns must be at least 1")
	errDrain    = errors.New("--drain must not be negative")
)

// serve runs the daemon until a signal arrives on stop or a listener fails.
func serve(ctx context.Context, f flags, source *cli.Source[commands], log zerolog.Logger, stop, reload <-chan os.Signal) error {
	// Listening comes first: a taken port is the commonest mistake, and is found out
	// before anything takes time.
	passed := systemd.TakePassed()
	listeners, err := listen(ctx, f.Listen, passed)
	if err != nil {
		return err
	}
	desk := modeldesk.New(f.Models, log)
	reg := desk.Registry()
	opts := daemon.Options{
		Dedicated: true, BusyPoll: f.BusyPoll,
		Registry: reg, Version: cli.Version(), AllowHosts: f.AllowHost, MaxConns: f.MaxConns,
		OnPanic: func(v any, stack []byte) {
			log.Error().Interface("panic", v).Bytes("stack", stack).Msg("a request failed with a panic")
		},
		OnAcceptError: func(err error) { log.Warn().Err(err).Msg("cannot accept connections, trying on") },
	}
	traces, err := tracing.Start(f.Trace, f.TraceShare, "mld", log)
	if err != nil {
		closeAll(listeners)
		return err
	}
	defer traces.Stop() // after the last answer
	opts.OnTraced = traces.Daemon()
	if f.HTTPServer == "library" {
		opts.Loops = -1
	}
	server, err := daemon.New(opts)
	if err != nil {
		closeAll(listeners)
		return err
	}
	desk.Load(true)
	addresses := make([]string, len(listeners))
	for i, ln := range listeners {
		addresses[i] = address(ln)
	}
	desk.Listens(addresses)

	failed := make(chan error, len(listeners)+1) // each Serve sends once, and the admin's
	operator, err := serveAdmin(ctx, f.Admin, passed, desk, log, failed)
	if err != nil {
		closeAll(listeners)
		return err
	}
	defer operator.Close()
	for _, ln := range listeners {
		go func() { failed <- server.Serve(ln) }()
	}
	if names := passed.Rest(); len(names) > 0 {
		log.Warn().Strs("names", names).Msg("the service manager passed descriptors that are of no use here")
	}
	alive, rest := context.WithCancel(ctx) // the watchdog's questions end with the drain
	defer rest()
	sd := systemd.NewNotifier()
	if err := announce(alive, sd, listeners[0], reg, log); err != nil {
		server.Close()
		return err
	}
	go desk.Watch(alive)
	log.Info().Strs("listen", addresses).Str("admin", operator.path).Str("version", opts.Version).Msg("READY")
	for {
		select {
		case err := <-failed:
			server.Close()
			return err
		case <-reload:
			sd.Reloading()
			if c, ok := source.Reload(log); ok {
				f.Drain = c.Drain
				cli.SetLevel(c.LogLevel)
			}
			desk.Load(true)
			sd.Ready(statusLine(reg))
		case <-operator.drain:
			log.Info().Str("asked_by", "operator").Stringer("at_most", f.Drain).Msg("draining")
			rest()
			sd.Stopping("draining")
			return drain(ctx, server, f, log, stop)
		case sig := <-stop:
			log.Info().Str("signal", sig.String()).Stringer("at_most", f.Drain).Msg("draining")
			rest()
			sd.Stopping("draining")
			return drain(ctx, server, f, log, stop)
		}
	}
}

// sameSignal is how soon after the first a second signal is still the same request to
// stop: timeout(1), a terminal and some supervisors signal the process and its group.
const sameSignal = 100 * time.Millisecond

// drain finishes what is in flight, unless a second signal comes.
func drain(ctx context.Context, server *daemon.Server, f flags, log zerolog.Logger, stop <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, f.Drain)
	defer cancel()
	started := time.Now()
	done := make(chan error, 1)
	go func() { done <- server.Shutdown(ctx) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("calls were still in flight after %v: %w", f.Drain, err)
			}
			log.Info().Msg("drained")
			return nil
		case <-stop:
			if time.Since(started) < sameSignal {
				continue
			}
			cancel() // Shutdown closes what is left
			<-done
			return cli.ErrForced
		}
	}
}

// listen opens the addresses; without any, the sockets that the service manager passed,
// and without those the default address.
func listen(ctx context.Context, addresses []string, passed *systemd.Passed) ([]net.Listener, error) {
	var open []net.Listener
	if len(addresses) == 0 {
		for _, name := range passed.Names() {
			if name == passedAdmin {
				continue
			}
			ln, err := passed.Listener(name)
			if err != nil {
				closeAll(open)
				return nil, fmt.Errorf("sockets passed by the service manager: %w", err)
			}
			open = append(open, ln)
		}
		if len(open) > 0 {
			return open, nil
		}
		addresses = []string{daemon.DefaultAddress}
	}
	for _, a := range addresses {
		ln, err := daemon.Listen(ctx, a)
		if err != nil {
			closeAll(open)
			return nil, err
		}
		open = append(open, ln)
	}
	return open, nil
}

func closeAll(listeners []net.Listener) {
	for _, ln := range listeners {
		ln.Close()
	}
}

// address writes a listener's address as --listen takes it.
func address(ln net.Listener) string {
	if ln.Addr().Network() == "unix" {
		return "unix:" + ln.Addr().String()
	}
	return ln.Addr().String()
}
