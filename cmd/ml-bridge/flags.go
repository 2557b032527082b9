package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/tracing"
	"github.com/mlbridge/mlbridge/ipc"
)

// builtIn is what --models calls the models in the binary.
const builtIn = "embedded"

// flags are the settings of ml-bridge. Each is a flag, an environment variable
// (MLBRIDGE_ and its name) and a key of the settings file; those with live:"" also
// change in a running bridge, on SIGHUP.
type flags struct {
	Socket     string   `help:"Unix socket to answer on (default: where ml-bridge's clients look for it)." placeholder:"PATH" group:"where"`
	SocketMode string   `help:"Permissions of the socket, octal. With more than 0600, peers of other users are admitted." default:"0600" group:"where"`
	HTTP       string   `name:"http" help:"Address of the HTTP API, host:port; empty for none." default:"127.0.0.1:9006" placeholder:"ADDR" group:"where"`
	AllowHost  []string `help:"Host name that HTTP requests may carry besides the loopback ones; may be repeated." placeholder:"NAME" group:"where"`
	Admin      string   `help:"Unix socket for its operator, mode 0600: models, drain, profiles, the page with buttons; 'off' for none (default: beside the socket, bridge-admin.sock)." placeholder:"PATH" group:"where"`

	Models          string        `help:"Host the engine in this process instead of asking mld: 'embedded' for the built-in models, or a folder with manifests and model files, in which what changes is loaded within seconds." placeholder:"DIR" xor:"engine" group:"whom"`
	Upstream        []string      `help:"Where mld is: http://host:port, https://host:port or unix:/path (default http://127.0.0.1:9005). May be repeated: those after the first are asked, in this order, while those before them do not answer." placeholder:"URL" xor:"engine" group:"whom"`
	UpstreamAdmin   string        `help:"Admin socket of that mld, for promoting and rolling back its models from this bridge's own; 'off' for none (default: mld-admin.sock beside the bridge's socket, where it is the first upstream's)." placeholder:"PATH" group:"whom"`
	UpstreamClient  string        `help:"HTTP client to use: the event loop's own, or Go's net/http (${enum})." enum:"loop,net/http" default:"loop" group:"whom"`
	UpstreamTimeout time.Duration `help:"One call to mld may take so long; callers with less time are answered meanwhile." default:"1s" group:"whom" live:""`
	UpstreamSuspect time.Duration `help:"After how long without an answer the next of several upstreams is asked." default:"50ms" group:"whom"`
	BreakerFailures int           `help:"Failures in a row after which an upstream is not asked for a pause of 10ms, doubling to 1s." default:"1" group:"whom"`

	Budget      time.Duration `help:"Budget of a call on the socket that names none." default:"1ms" group:"how" live:""`
	TTL         time.Duration `name:"ttl" help:"How long a model's answer serves the same question, to begin with." default:"100ms" group:"how" live:""`
	StaleBound  time.Duration `help:"How long it may serve other questions about the subject when nothing better is in time (default 10 × ttl)." group:"how" live:""`
	MaxTTL      time.Duration `name:"max-ttl" help:"How long it may come to serve, at most 1,024 × ttl, while a subject's answers stay the same; not above ttl: ttl is fixed and nothing is asked ahead." default:"1m" group:"how" live:""`
	Tolerance   float64       `help:"Answers that differ by no more than this share of their range are the same." default:"0.01" group:"how" live:""`
	NegativeTTL time.Duration `name:"negative-ttl" help:"How long a question that the model could not answer is not asked again (default ttl, at most 1s)." group:"how" live:""`
	BusyPoll    time.Duration `help:"While calls come briskly, look for the next one for so long before sleeping: fewer wake-ups for more processor time; 0 for never." default:"100us" group:"how"`
	TimeSlice   time.Duration `help:"Turns on a processor that others want, too, e.g. 100us: the shorter, the sooner they come (Linux 6.12 and later). For agents, ml-bridge and mld alike, or they cost each other; 0 for the kernel's own." default:"0s" group:"how"`

	Class []string `help:"Class of the calls of a kind that name none, KIND=low, normal or high (default normal); may be repeated. Those of a lower class are answered from a lower rung first." placeholder:"KIND=CLASS" group:"bounds"`
	Peer  []string `help:"What peers may take, by the uid, gid or pid that the kernel gives; may be repeated, the first that fits counts. E.g. uid=1000:rate=5000,in-flight=256,conns=64,class=normal or gid=7:deny or *:deny." placeholder:"WHOM:TERMS" sep:"none" group:"bounds"`

	Subjects int           `help:"Agents, or components, of a kind whose last answer is remembered." default:"65536" group:"bounds"`
	CacheMiB int           `name:"cache-mib" help:"Memory of all remembered answers, in MiB, a quarter a kind." default:"64" group:"bounds"`
	MaxConns int           `help:"Connections on the socket at a time." default:"12000" group:"bounds"`
	Drain    time.Duration `help:"How long calls in flight may take to finish after SIGTERM." default:"10s" group:"bounds" live:""`

	Record      string `help:"Record the messages on the socket into this file, for kernelsim replay (default: record nothing)." placeholder:"FILE" type:"path" group:"record"`
	RecordLimit int    `help:"Stop recording when the file has so many MiB." default:"256" group:"record"`
	RecordIDs   string `name:"record-ids" help:"Agents and components in the recording: replaced by keyed hashes whose key is thrown away, or as they are (${enum})." enum:"redacted,plain" default:"redacted" group:"record"`

	Handover bool `help:"On SIGTERM leave the connections and the cache to the next process, in the service manager's descriptor store, instead of draining." group:"bounds"`

	LogFormat string `help:"Log as JSON lines, for people, or by whether standard error is a terminal (${enum})." enum:"auto,json,console" default:"auto" group:"log"`
	LogLevel  string `help:"Least severe messages that are logged (${enum})." enum:"debug,info,warn,error" default:"info" group:"log" live:""`

	Trace      string  `help:"Send traces to this collector, OTLP over HTTP, e.g. http://127.0.0.1:4318 (default: record none)." placeholder:"URL" group:"log"`
	TraceShare float64 `help:"Share of the calls that are traced, of those whose callers say nothing about it." default:"0.001" group:"log"`
}

// folder is where the hosted models come from, "" for the built-in ones.
func (f *flags) folder() string {
	if f.Models == builtIn {
		return ""
	}
	return f.Models
}

// maxRecordLimit is the largest file of a recording, in MiB.
const maxRecordLimit = 1 << 20

// defaultUpstream is where mld listens by itself. kong does not know it as the
// flag's default, or it would take the flag for given beside --models.
const defaultUpstream = "http://127.0.0.1:9005"

// More than these is a slip of the hand: a terabyte, and no process has so many
// descriptors, no machine so many agents.
const (
	maxCacheMiB = 1 << 20
	maxConns    = 1 << 24
	maxSubjects = 1 << 30
)

// Validate is called by kong. The error joins all that is wrong.
func (f *flags) Validate() error {
	if len(f.Upstream) == 0 && f.Models == "" {
		f.Upstream = []string{defaultUpstream}
	}
	_, mode := f.mode()
	_, targets := f.targets()
	_, peers := f.peers()
	_, classes := parseClasses(f.Class)
	if classes != nil {
		classes = fmt.Errorf("--class: %w", classes)
	}
	return errors.Join(mode, cli.CheckAddress("--http", f.HTTP), cli.CheckHosts("--allow-host", f.AllowHost), targets, peers, classes,
		f.checkModels(), f.checkTimes(), f.checkNumbers(), cli.CheckTimeSlice(f.TimeSlice), tracing.Check(f.Trace, f.TraceShare))
}

func (f *flags) checkModels() error {
	if f.Models == "" || f.Models == builtIn {
		return nil
	}
	if info, err := os.Stat(f.Models); err != nil || !info.IsDir() {
		return fmt.Errorf("--models: %q is neither %q nor a folder", f.Models, builtIn)
	}
	return nil
}

func (f *flags) checkTimes() error {
	return errors.Join(
		cli.Within("--budget", f.Budget, 1, ipc.DefaultLimits().MaxBudget),
		cli.Within("--ttl", f.TTL, 1, time.Hour),
		cli.Within("--max-ttl", f.MaxTTL, 0, 24*time.Hour),
		cli.Within("--stale-bound", f.StaleBound, 0, time.Hour),
		cli.Within("--negative-ttl", f.NegativeTTL, 0, time.Hour),
		cli.Within("--busy-poll", f.BusyPoll, 0, time.Second),
		cli.Within("--upstream-suspect", f.UpstreamSuspect, 1, time.Hour),
		cli.Within("--upstream-timeout", f.UpstreamTimeout, 1, time.Hour),
		cli.Within("--drain", f.Drain, 0, time.Hour),
	)
}

func (f *flags) checkNumbers() error {
	var tolerance error
	if !(f.Tolerance > 0 && f.Tolerance <= 1) {
		tolerance = fmt.Errorf("--tolerance: %v is outside (0, 1]", f.Tolerance)
	}
	return errors.Join(
		cli.Within("--max-conns", f.MaxConns, 1, maxConns),
		cli.Within("--record-limit", f.RecordLimit, 1, maxRecordLimit),
		cli.Within("--breaker-failures", f.BreakerFailures, 1, 1000),
		cli.Within("--subjects", f.Subjects, 1, maxSubjects),
		cli.Within("--cache-mib", f.CacheMiB, 1, maxCacheMiB),
		tolerance,
	)
}

// Compute fills in what is left out and follows from others or from the host, for
// config show. The serving process finds the same itself, after the sockets that it is
// passed.
func (f *flags) Compute() error {
	if f.Socket == "" {
		path, err := ipc.DefaultListenSocket()
		if err != nil {
			return err
		}
		f.Socket = path
	}
	if f.Admin == "" {
		f.Admin = admin.Beside(f.Socket)
	}
	if f.StaleBound == 0 {
		f.StaleBound = bridge.DefaultStaleBound(f.TTL)
	}
	if f.NegativeTTL == 0 {
		f.NegativeTTL = bridge.DefaultNegativeTTL(f.TTL)
	}
	return nil
}

// Usual gives the admin socket of mld that is looked for where none is named. One that is
// named is asked whatever answers there, so it is not shown as a value.
func (f *flags) Usual() map[string]string {
	if f.Models != "" {
		return nil
	}
	return map[string]string{"upstream-admin": neighbourOf(f.Socket)}
}

// maxCalls is how many questions are answered at a time.
const maxCalls = 65_536

// peers are the rules about peers. Without any, one process can have all but a
// sixteenth of the connections and of the questions in flight: the rest is for others.
func (f *flags) peers() (*peerRules, error) {
	p := &peerRules{quota: ipc.Quota{Conns: f.MaxConns - f.MaxConns/16, InFlight: maxCalls - maxCalls/16}}
	for _, s := range f.Peer {
		r, err := parsePeer(s)
		if err != nil {
			return nil, fmt.Errorf("--peer: %w", err)
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

// maxUpstreams bounds what a question may fail over to.
const maxUpstreams = 16

func (f *flags) targets() ([]upstream.Target, error) {
	if len(f.Upstream) > maxUpstreams {
		return nil, fmt.Errorf("--upstream: %d given, at most %d", len(f.Upstream), maxUpstreams)
	}
	var list []upstream.Target
	for _, s := range f.Upstream {
		t, err := upstream.ParseTarget(s)
		if err != nil {
			return nil, fmt.Errorf("--upstream: %w", err)
		}
		if slices.Contains(list, t) {
			return nil, fmt.Errorf("--upstream: %s is given twice", s)
		}
		list = append(list, t)
	}
	return list, nil
}

func (f *flags) mode() (fs.FileMode, error) {
	n, err := strconv.ParseUint(f.SocketMode, 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return 0, fmt.Errorf("--socket-mode: %q is no octal mode that lets the owner in, e.g. 0600 or 0660", f.SocketMode)
	}
	if n&0o007 != 0 {
		return 0, fmt.Errorf("--socket-mode: %q would open the socket to every user", f.SocketMode)
	}
	return fs.FileMode(n), nil
}

// config is what the flags mean to the bridge.
func (f *flags) config() (bridge.Config, error) {
	targets, err := f.targets()
	if err != nil {
		return bridge.Config{}, err
	}
	cfg := bridge.Config{
		BreakerFailures: f.BreakerFailures,
		Suspect:         f.UpstreamSuspect, Library: f.UpstreamClient == "net/http", Attempt: f.UpstreamTimeout,
		// net/http works on goroutines of its own, which must not wait for the loop.
		Dedicated: f.UpstreamClient != "net/http", BusyPoll: f.BusyPoll,
		TTL: f.TTL, MaxTTL: f.MaxTTL, Tolerance: f.Tolerance, StaleBound: f.StaleBound, NegativeTTL: f.NegativeTTL,
		Subjects: f.Subjects, CacheBytes: f.CacheMiB << 20,
		Server: ipc.ServerConfig{Name: "ml-bridge " + cli.Version(), Limits: ipc.DefaultLimits(), MaxConns: f.MaxConns, MaxCalls: maxCalls},
	}
	if len(targets) > 0 { // none where the engine is in this process
		cfg.Upstream, cfg.Failover = targets[0], targets[1:]
	}
	cfg.Server.Limits.Budget = f.Budget
	if cfg.Classes, err = parseClasses(f.Class); err != nil {
		return bridge.Config{}, err
	}
	return cfg, nil
}

// tuning is what of the flags a running bridge can change.
func (f *flags) tuning() bridge.Tuning {
	return bridge.Tuning{
		Budget: f.Budget, Attempt: f.UpstreamTimeout, StaleBound: f.StaleBound,
		TTL: f.TTL, MaxTTL: f.MaxTTL, Tolerance: f.Tolerance, NegativeTTL: f.NegativeTTL,
	}
}
