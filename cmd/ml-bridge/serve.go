package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/bridge/httpapi"
	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/cmd/internal/tracing"
	"github.com/mlbridge/mlbridge/ipc"
)

// process is the bridge and what is around it while it runs.
type process struct {
	bridge    *bridge.Bridge
	systemd   *systemd.Notifier
	self      *self
	recent    *status.Recorder
	recorder  *recording
	http      *httpapi.Server // nil where there is none
	operator  *admin.Server
	metrics   *prometheus.Registry
	log       zerolog.Logger
	desk      *modeldesk.Desk           // of the hosted engine; nil where mld is asked
	neighbour *neighbour                // the mld that is asked; nil where its admin socket is not
	keeper    modeldesk.Keeper          // of the models; nil where nothing can be decided about them
	refusals  func() modeldesk.Refusals // what anybody may know of them; never nil
	noted     *notices                  // of the log
	draining  atomic.Bool
	failed    chan error         // of the HTTP and the admin server
	ran       chan error         // of the bridge
	rest      context.CancelFunc // ends the watchdog's questions

	drainAsked chan struct{} // by the operator; holds one

	// Where it answers: the socket's path, the HTTP address, the operator's socket.
	socket, address, admin string
}

// serve runs the bridge until a signal arrives on stop or something fails.
func serve(f flags, source *cli.Source[commands], log zerolog.Logger, noted *notices, stop, reload <-chan os.Signal) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	traces, err := tracing.Start(f.Trace, f.TraceShare, "ml-bridge", log)
	if err != nil {
		return err
	}
	defer traces.Stop() // after the last answer
	cfg.Tracer = traces.Bridge()
	upstream := strings.Join(f.Upstream, ", ")
	var desk *modeldesk.Desk // of the hosted engine
	if f.Models != "" {
		desk = modeldesk.New(f.folder(), log.With().Str("part", modelsPart).Logger())
		cfg.Host, upstream = hostEngine(desk), "in process"
		desk.Load(true)
	}
	recorder, err := startRecording(&f, &cfg, log)
	if err != nil {
		return err
	}
	defer recorder.close() // after the last answer
	p, err := newProcess(&f, cfg, desk, recorder, log, noted)
	if err != nil {
		return err
	}
	defer p.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := p.run(ctx); err != nil {
		return err
	}
	log.Info().Str("socket", p.socket).Str("http", p.address).Str("admin", p.admin).Str("upstream", upstream).Str("version", cli.Version()).Msg("READY")
	return p.obey(&f, source, stop, reload)
}

// newProcess makes a bridge with its sockets, its own or those that the service manager passed,
// and takes over what the process before left. Nothing is answered on the bridge's socket
// before run.
func newProcess(f *flags, cfg bridge.Config, desk *modeldesk.Desk, recorder *recording, log zerolog.Logger, noted *notices) (*process, error) {
	passed := systemd.TakePassed()
	listener, socket, err := listenSocket(f, &cfg, passed)
	if err != nil {
		return nil, err
	}
	var b *bridge.Bridge
	logStates(&cfg, log, func() *bridge.Bridge { return b })
	if b, err = bridge.New(cfg); err != nil {
		listener.Close()
		return nil, err
	}
	p := &process{
		bridge: b, systemd: systemd.NewNotifier(), self: &self{path: socket}, recorder: recorder, recent: status.NewRecorder(b.Count), log: log, noted: noted,
		failed: make(chan error, 2), ran: make(chan error, 1), drainAsked: make(chan struct{}, 1), socket: socket, address: "none",
		desk: desk,
	}
	p.refusals = func() modeldesk.Refusals { return modeldesk.Refusals{} }
	if desk != nil {
		p.keeper, p.refusals = desk, desk.Refusals
	} else if p.neighbour = newNeighbour(f.UpstreamAdmin, socket, cfg.Upstream); p.neighbour != nil {
		p.keeper, p.refusals = p.neighbour, p.neighbour.refusals
	}
	if err := p.open(f, listener, passed); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// open opens the doors round the bridge.
func (p *process) open(f *flags, listener *ipc.Listener, passed *systemd.Passed) error {
	if err := p.bridge.Listen(listener); err != nil {
		listener.Close()
		return err
	}
	if err := p.register(); err != nil {
		return err
	}
	ln, err := listenHTTP(f.HTTP, passed)
	if err != nil {
		return err
	}
	if ln != nil {
		p.address = ln.Addr().String()
		p.serveHTTP(ln, f.AllowHost)
	}
	if err := p.serveAdmin(f.Admin, p.socket, passed); err != nil {
		return err
	}
	p.takeOver(passed)
	if names := passed.Rest(); len(names) > 0 {
		p.log.Warn().Strs("names", names).Msg("the service manager passed descriptors that are of no use here")
	}
	return nil
}

// close lets go of what is still held.
func (p *process) close() {
	if p.operator != nil {
		p.operator.Close()
	}
	p.self.close()
	p.bridge.Discard() // nothing, if it ran
}

// run answers, and tells the service manager so.
func (p *process) run(ctx context.Context) error {
	go p.recent.Run(ctx)
	if p.desk != nil {
		go p.desk.Watch(ctx)
	}
	if p.neighbour != nil {
		go p.neighbour.watch(ctx)
	}
	go func() { p.ran <- p.bridge.Run() }()
	ctx, p.rest = context.WithCancel(ctx)
	err := p.announce(ctx)
	if err != nil {
		p.bridge.Shutdown(0)
	}
	return err
}

// obey does what signals and the operator ask for, until one of them asks for the end.
func (p *process) obey(f *flags, source *cli.Source[commands], stop, reload <-chan os.Signal) error {
	for {
		select {
		case err := <-p.failed:
			p.bridge.Shutdown(0)
			return err
		case err := <-p.ran:
			return fmt.Errorf("the event loop ended: %w", err)
		case <-reload:
			p.reload(f, source)
		case <-p.drainAsked:
			p.log.Info().Str("asked_by", "operator").Stringer("at_most", f.Drain).Msg("draining")
			return p.drain(f, stop)
		case sig := <-stop:
			if f.Handover && p.systemd.Listens() {
				p.log.Info().Str("signal", sig.String()).Msg("handing over")
				return p.handOver(f, stop)
			}
			p.log.Info().Str("signal", sig.String()).Stringer("at_most", f.Drain).Msg("draining")
			return p.drain(f, stop)
		}
	}
}

// reload reads the settings again and puts in force what can change while it runs.
func (p *process) reload(f *flags, source *cli.Source[commands]) {
	p.systemd.Reloading()
	if c, ok := source.Reload(p.log); ok {
		f.Drain = c.Drain
		cli.SetLevel(c.LogLevel)
		if err := p.bridge.Tune(c.tuning()); err != nil {
			p.log.Error().Err(err).Msg("settings not taken")
		}
	}
	if p.desk != nil {
		p.desk.Load(true)
	}
	p.systemd.Ready(p.statusLine())
}
