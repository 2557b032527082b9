package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/bridge/httpapi"
	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/cmd/internal/tracing"
	"github.com/mlbridge/mlbridge/ipc"
)

// serve runs the bridge until a signal arrives on stop or something fails.
func serve(f flags, source *cli.Source[commands], log zerolog.Logger, noted *notices, stop, reload <-chan os.Signal) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	logStates(&cfg, log)
	traces, err := tracing.Start(f.Trace, f.TraceShare, "ml-bridge", log)
	if err != nil {
		return err
	}
	defer traces.Stop() // after the last answer
	cfg.Tracer = traces.Bridge()
	upstream := strings.Join(f.Upstream, ", ")
	var desk *modeldesk.Desk // of the hosted engine
	if f.Models != "" {
		desk = modeldesk.New(f.folder(), log)
		cfg.Host, upstream = hostEngine(desk), "in process"
		desk.Load(true)
	}
	recorder, err := startRecording(&f, &cfg, log)
	if err != nil {
		return err
	}
	defer recorder.close() // after the last answer
	passed := systemd.TakePassed()
	listener, socket, err := listenSocket(&f, &cfg, passed)
	if err != nil {
		return err
	}
	b, err := bridge.New(cfg)
	if err != nil {
		listener.Close()
		return err
	}
	defer b.Discard() // unless it ran
	if err := b.Listen(listener); err != nil {
		listener.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &process{
		bridge: b, systemd: systemd.NewNotifier(), self: &self{path: socket}, recorder: recorder, recent: status.NewRecorder(b.Count), log: log, noted: noted,
		failed: make(chan error, 2), ran: make(chan error, 1), drainAsked: make(chan struct{}, 1),
	}
	if desk != nil {
		p.keeper = desk
	} else if n := newNeighbour(f.UpstreamAdmin, socket, cfg.Upstream); n != nil {
		p.keeper = n
	}
	if err := p.register(); err != nil {
		return err
	}
	defer p.self.close()
	address := "none"
	ln, err := listenHTTP(f.HTTP, passed)
	if err != nil {
		return err
	}
	if ln != nil {
		address = ln.Addr().String()
		if err := p.serveHTTP(ln, f.AllowHost); err != nil {
			return err
		}
	}
	operator, err := p.serveAdmin(f.Admin, socket, passed)
	if err != nil {
		return err
	}
	defer operator.Close()
	p.takeOver(passed)
	if names := passed.Rest(); len(names) > 0 {
		log.Warn().Strs("names", names).Msg("the service manager passed descriptors that are of no use here")
	}
	go p.recent.Run(ctx)
	if desk != nil {
		go desk.Watch(ctx)
	}
	go func() { p.ran <- b.Run() }()
	if err := p.announce(ctx); err != nil {
		b.Shutdown(0)
		return err
	}
	log.Info().Str("socket", socket).Str("http", address).Str("admin", p.admin).Str("upstream", upstream).Str("version", cli.Version()).Msg("READY")
	for {
		select {
		case err := <-p.failed:
			b.Shutdown(0)
			return err
		case err := <-p.ran:
			return fmt.Errorf("the event loop ended: %w", err)
		case <-reload:
			p.systemd.Reloading()
			if c, ok := source.Reload(log); ok {
				f.Drain = c.Drain
				cli.SetLevel(c.LogLevel)
				if err := b.Tune(c.tuning()); err != nil {
					log.Error().Err(err).Msg("settings not taken")
				}
			}
			if desk != nil {
				desk.Load(true)
			}
			p.systemd.Ready(p.statusLine())
		case <-p.drainAsked:
			log.Info().Str("asked_by", "operator").Stringer("at_most", f.Drain).Msg("draining")
			return p.drain(&f, stop)
		case sig := <-stop:
			if f.Handover && p.systemd.Listens() {
				log.Info().Str("signal", sig.String()).Msg("handing over")
				return p.handOver(&f, stop)
			}
			log.Info().Str("signal", sig.String()).Stringer("at_most", f.Drain).Msg("draining")
			return p.drain(&f, stop)
		}
	}
}

// process is the bridge and its HTTP side while they run.
type process struct {
	bridge   *bridge.Bridge
	systemd  *systemd.Notifier
	self     *self
	recent   *status.Recorder
	recorder *recording
	http     *httpapi.Server
	metrics  *prometheus.Registry
	log      zerolog.Logger
	keeper   modeldesk.Keeper // of the models; nil where nothing can be decided about them
	noted    *notices         // of the log
	admin    string           // socket of the operator
	draining atomic.Bool
	failed   chan error // of the HTTP and the admin server
	ran      chan error // of the bridge

	drainAsked chan struct{} // by the operator; holds one
}

// drain finishes what is in flight on both sides, unless a second signal comes. HTTP
// goes first, for the bridge answers its requests. Half-way the daemon is no longer
// waited for: whatever it does, both sides are answered before the time is over.
func (p *process) drain(f *flags, stop <-chan os.Signal) error {
	p.draining.Store(true)
	p.systemd.Stopping("draining")
	p.self.close()
	end := time.Now().Add(f.Drain)
	enough := time.AfterFunc(f.Drain/2, p.bridge.Settle)
	defer enough.Stop()
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithDeadline(context.Background(), end)
		defer cancel()
		var err error
		if p.http != nil {
			err = p.http.Shutdown(ctx)
		}
		if cut := p.bridge.Shutdown(max(time.Until(end), 0)); cut > 0 {
			err = errors.Join(err, fmt.Errorf("%d connections did not finish within %v", cut, f.Drain))
		}
		done <- errors.Join(err, <-p.ran)
	}()
	select {
	case err := <-done:
		if err == nil {
			p.log.Info().Msg("drained")
		}
		return err
	case <-stop:
		return cli.ErrForced
	}
}

// logStates makes the bridge log when the daemon goes or comes, and who broke the
// protocol; never single calls.
func logStates(cfg *bridge.Config, log zerolog.Logger) {
	cfg.OnState = func(s bridge.UpstreamState) {
		switch failing := s.Failing(); {
		case s.State == bridge.UpstreamDown:
			log.Warn().Str("reason", s.Reason).Msg("daemon does not answer: stale answers and rules serve")
		case len(failing) > 0: // of every upstream that was asked
			log.Warn().Strs("reasons", reasons(failing)).Msg("daemon fails for some kinds: stale answers and rules serve them")
		case slices.ContainsFunc(s.Endpoints, func(e bridge.EndpointState) bool { return e.State == bridge.UpstreamDown }):
			log.Warn().Strs("reasons", downs(s.Endpoints)).Msg("an upstream does not answer: another serves")
		case s.State == bridge.UpstreamUp:
			log.Info().Msg("daemon answers")
		}
	}
	cfg.OnStanding = func(m bridge.Standing) {
		said := log.Info().Stringer("kind", m.Kind).Str("model", m.Model).
			Int("cases", m.TurnCases).Float64("advantage", m.TurnAdvantage).Uint64("judged", m.Judged)
		if m.Demoted {
			said.Msg("model demoted: the rule has been better, and decides until tries of the model say otherwise")
		} else {
			said.Msg("model trusted again: its tries were better than the rule")
		}
	}
	cfg.Server.OnFault = func(peer ipc.Peer, err error) {
		log.Warn().Stringer("peer", peer).AnErr("reason", err).Msg("connection closed")
	}
}

// listenSocket gives the bridge's socket and its path: the one that the service manager
// passed, or one of its own. It decides who is admitted, too.
func listenSocket(f *flags, cfg *bridge.Config, passed *systemd.Passed) (*ipc.Listener, string, error) {
	ln, path, open, err := passedSocket(passed)
	if err != nil {
		return nil, "", fmt.Errorf("socket passed by the service manager: %w", err)
	}
	if ln == nil {
		mode, err := f.mode()
		if err != nil {
			return nil, "", err
		}
		open = mode != 0o600
		if ln, path, err = ownSocket(f.Socket, mode); err != nil {
			return nil, "", err
		}
	}
	peers, err := f.peers()
	if err != nil {
		return nil, "", err
	}
	if !open {
		// The mode says it already; this holds even if somebody changes the file's.
		peers.admit = ipc.SameUser(uint32(os.Geteuid()))
	}
	cfg.Server.Admit, cfg.Server.Quota = peers.Admit, peers.Quota
	return ln, path, nil
}

func ownSocket(path string, mode fs.FileMode) (*ipc.Listener, string, error) {
	if path == "" {
		var err error
		if path, err = ipc.DefaultListenSocket(); err != nil {
			return nil, "", err
		}
	}
	ln, err := ipc.Listen(path, mode)
	if errors.Is(err, ipc.ErrInUse) {
		return nil, "", fmt.Errorf("another ml-bridge answers on %s: stop it, or give this one a socket with --socket", path)
	}
	return ln, path, err
}

// listenHTTP gives the HTTP API's socket: the one that the service manager passed, or
// one on address, or nil where that is "".
func listenHTTP(address string, passed *systemd.Passed) (net.Listener, error) {
	ln, err := passed.Listener(passedHTTP)
	if ln != nil || err != nil || address == "" {
		return ln, err
	}
	ln, err = net.Listen("tcp", address)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another process: stop it, or choose another address with --http", address)
	}
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	return ln, nil
}

func (p *process) serveHTTP(ln net.Listener, hosts []string) error {
	logged := func(msg string, err error) { p.log.Error().Err(err).Msg(msg) }
	handler := httpapi.New(httpapi.Config{
		Predictor: p.bridge, Health: p.health, Status: p.status, Hosts: hosts, Log: logged,
		Observe: newHTTPMetrics(p.metrics).observe, Metrics: p.metricsHandler(),
	})
	p.http = httpapi.NewServer(handler, httpapi.ServerConfig{Log: logged})
	go func() {
		if err := p.http.Serve(ln); !errors.Is(err, ipc.ErrClosed) {
			p.failed <- err
		}
	}()
	return nil
}

// register makes the registry that /metrics is served from.
func (p *process) register() error {
	p.metrics = prometheus.NewRegistry()
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.recorder.register(p.metrics)
	return p.bridge.Register(p.metrics)
}

func (p *process) metricsHandler() http.Handler {
	return promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// status is what /api/ml/status says.
func (p *process) status(since int64) status.Document {
	d := p.bridge.Status()
	d.Version, d.Notices = cli.Version(), p.noted.list()
	p.recent.Fill(&d, since)
	return d
}

// health is what /health, /livez and /readyz say.
func (p *process) health() httpapi.Health {
	up := p.bridge.Upstream()
	h := httpapi.Health{
		Version: cli.Version(), Live: p.bridge.Running(), Ready: p.bridge.Running() && !p.draining.Load(),
		Upstream: httpapi.Upstream{Address: up.Target, State: up.State.String(), Format: up.Format, Error: up.Reason, Endpoints: endpoints(up.Endpoints)},
		Models:   p.bridge.Models(),
	}
	for _, e := range up.Endpoints {
		if up.State == bridge.UpstreamUp && e.State == bridge.UpstreamDown {
			h.Reasons = append(h.Reasons, e.Target+" does not answer: another upstream serves")
		}
	}
	if up.State == bridge.UpstreamDown {
		h.Reasons = append(h.Reasons, "the daemon does not answer: stale answers and rules serve")
	} else {
		for _, why := range reasons(up.Failing()) {
			h.Reasons = append(h.Reasons, why+": stale answers and the rule serve")
		}
	}
	h.Reasons = append(h.Reasons, p.standings()...)
	if p.draining.Load() {
		h.Reasons = append(h.Reasons, "draining")
	}
	return h
}

// reasons says in a phrase each, in the order of the kinds, why they fail.
func reasons(failing map[ipc.Kind]string) []string {
	var out []string
	for _, k := range ipc.Kinds {
		if why, ok := failing[k]; ok {
			out = append(out, k.String()+": "+why)
		}
	}
	return out
}

// endpoints is what /health says about every upstream.
func endpoints(list []bridge.EndpointState) (out []httpapi.Endpoint) {
	for _, e := range list {
		h := httpapi.Endpoint{Address: e.Target, State: e.State.String(), Error: e.Reason, Breakers: make(map[string]string)}
		for i, k := range ipc.Kinds {
			h.Breakers[k.String()] = e.Breaker[i]
		}
		out = append(out, h)
	}
	return out
}

// downs says why upstreams are down.
func downs(list []bridge.EndpointState) (out []string) {
	for _, e := range list {
		if e.State == bridge.UpstreamDown {
			out = append(out, e.Target+": "+e.Reason)
		}
	}
	return out
}
