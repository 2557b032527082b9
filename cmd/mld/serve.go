package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/cmd/internal/tracing"
	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/registry"
)

// service is mld while it runs.
type service struct {
	server    *daemon.Server
	desk      *modeldesk.Desk
	listeners []net.Listener
	addresses []string // of the listeners
	operator  *operator
	systemd   *systemd.Notifier
	log       zerolog.Logger
	failed    chan error // of each Serve, which sends once, and the admin's
}

// serve runs the daemon until a signal arrives on stop or a listener fails.
func serve(ctx context.Context, f flags, source *cli.Source[commands], log zerolog.Logger, stop, reload <-chan os.Signal) error {
	traces, err := tracing.Start(f.Trace, f.TraceShare, "mld", log)
	if err != nil {
		return err
	}
	defer traces.Stop() // after the last answer
	p, err := open(ctx, &f, traces, log)
	if err != nil {
		return err
	}
	defer p.operator.Close()
	alive, rest := context.WithCancel(ctx) // the watchdog's questions end with the drain
	defer rest()
	if err := p.run(alive); err != nil {
		return err
	}
	log.Info().Strs("listen", p.addresses).Str("admin", p.operator.path).Str("version", cli.Version()).Msg("READY")
	return p.obey(ctx, &f, source, rest, stop, reload)
}

// open makes a server with its sockets, its own or those that the service manager passed,
// and loads the models. Listening comes first: a taken port is the commonest mistake, and
// is found out before anything takes time.
func open(ctx context.Context, f *flags, traces *tracing.Tracing, log zerolog.Logger) (p *service, err error) {
	passed := systemd.TakePassed()
	p = &service{systemd: systemd.NewNotifier(), log: log}
	if p.listeners, err = listen(ctx, f.Listen, passed); err != nil {
		return nil, err
	}
	listeners := p.listeners
	defer func() {
		if err != nil {
			closeAll(listeners)
		}
	}()
	p.desk = modeldesk.New(f.Models, log)
	if p.server, err = daemon.New(options(f, p.desk.Registry(), traces, log)); err != nil {
		return nil, err
	}
	p.desk.Load(true)
	for _, ln := range p.listeners {
		p.addresses = append(p.addresses, address(ln))
	}
	p.desk.Listens(p.addresses)
	p.failed = make(chan error, len(p.listeners)+1)
	if p.operator, err = serveAdmin(ctx, f.Admin, passed, p.desk, log, p.failed); err != nil {
		return nil, err
	}
	if names := passed.Rest(); len(names) > 0 {
		log.Warn().Strs("names", names).Msg("the service manager passed descriptors that are of no use here")
	}
	return p, nil
}

// options is what the flags mean to the server.
func options(f *flags, reg *registry.Registry, traces *tracing.Tracing, log zerolog.Logger) daemon.Options {
	opts := daemon.Options{
		Dedicated: true, BusyPoll: f.BusyPoll,
		Registry: reg, Version: cli.Version(), AllowHosts: f.AllowHost, MaxConns: f.MaxConns,
		OnPanic: func(v any, stack []byte) {
			log.Error().Interface("panic", v).Bytes("stack", stack).Msg("a request failed with a panic")
		},
		OnAcceptError: func(err error) { log.Warn().Err(err).Msg("cannot accept connections, trying on") },
		OnTraced:      traces.Daemon(),
	}
	if f.HTTPServer == "library" {
		opts.Loops = -1
	}
	return opts
}

// run answers, tells the service manager so, and looks after the models until ctx ends.
func (p *service) run(ctx context.Context) error {
	for _, ln := range p.listeners {
		go func() { p.failed <- p.server.Serve(ln) }()
	}
	s := newSelf(p.listeners)
	fed, err := p.systemd.Announce(ctx, s.ask, p.statusLine, func(err error) {
		p.log.Error().Err(err).Msg("no answer on the own socket: the watchdog is not fed")
	})
	if !fed {
		s.client.CloseIdleConnections()
	}
	if err != nil {
		p.server.Close()
		return err
	}
	go p.desk.Watch(ctx)
	return nil
}

// obey does what signals and the operator ask for, until one of them asks for the end.
func (p *service) obey(ctx context.Context, f *flags, source *cli.Source[commands], rest func(), stop, reload <-chan os.Signal) error {
	for {
		select {
		case err := <-p.failed:
			p.server.Close()
			return err
		case <-reload:
			p.systemd.Reloading()
			if c, ok := source.Reload(p.log); ok {
				f.Drain = c.Drain
				cli.SetLevel(c.LogLevel)
			}
			p.desk.Load(true)
			p.systemd.Ready(p.statusLine())
			continue
		case <-p.operator.drain:
			p.log.Info().Str("asked_by", "operator").Stringer("at_most", f.Drain).Msg("draining")
		case sig := <-stop:
			p.log.Info().Str("signal", sig.String()).Stringer("at_most", f.Drain).Msg("draining")
		}
		rest()
		p.systemd.Stopping("draining")
		return p.drain(ctx, f, stop)
	}
}

// drain finishes what is in flight, unless a second signal comes.
func (p *service) drain(ctx context.Context, f *flags, stop <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, f.Drain)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.server.Shutdown(ctx) }()
	err := cli.Await(done, stop)
	switch {
	case errors.Is(err, cli.ErrForced):
		cancel() // Shutdown closes what is left
		<-done
		return err
	case err != nil:
		return fmt.Errorf("calls were still in flight after %v: %w", f.Drain, err)
	}
	p.log.Info().Msg("drained")
	return nil
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
