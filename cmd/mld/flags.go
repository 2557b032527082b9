package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/tracing"
	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/ipc"
)

// flags are the settings of mld. Each is a flag, an environment variable (MLD_ and
// its name) and a key of the settings file; those with live:"" also change in a
// running mld, on SIGHUP.
type flags struct {
	Listen     []string `help:"Address to listen on, host:port or unix:/path; may be repeated (default 127.0.0.1:9005, or the sockets passed by systemd)." placeholder:"ADDR" group:"where"`
	AllowHost  []string `help:"Host name that requests on a loopback address may carry besides localhost; may be repeated." placeholder:"NAME" group:"where"`
	HTTPServer string   `help:"What answers plain predictions: event loops, or the HTTP library, which answers everything else in any case (${enum})." enum:"loop,library" default:"loop" group:"where"`
	Admin      string   `help:"Unix socket for its operator, mode 0600: models, drain, profiles; 'off' for none (default: mld-admin.sock in the runtime directory)." placeholder:"PATH" group:"where"`

	Models string `help:"Folder with manifests and model files that replace the built-in models; what changes there is loaded within seconds." type:"path" placeholder:"DIR" group:"models"`

	MaxConns  int           `help:"Open connections; further ones are refused." default:"4096" group:"bounds"`
	BusyPoll  time.Duration `help:"While calls come briskly, look for the next one for so long before sleeping: fewer wake-ups for more processor time, never with a single processor; 0 for never." default:"100us" group:"bounds"`
	TimeSlice time.Duration `help:"Turns on a processor that others want, too, e.g. 100us: the shorter, the sooner they come (Linux 6.12 and later). For agents, ml-bridge and mld alike, or they cost each other; 0 for the kernel's own." default:"0s" group:"bounds"`
	Drain     time.Duration `help:"How long calls in flight may take to finish after SIGTERM." default:"10s" group:"bounds" live:""`

	LogFormat string `help:"Log as JSON lines, for people, or by whether standard error is a terminal (${enum})." enum:"auto,json,console" default:"auto" group:"log"`
	LogLevel  string `help:"Least severe messages that are logged (${enum})." enum:"debug,info,warn,error" default:"info" group:"log" live:""`

	Trace      string  `help:"Send traces to this collector, OTLP over HTTP, e.g. http://127.0.0.1:4318 (default: record none)." placeholder:"URL" group:"log"`
	TraceShare float64 `help:"Share of the calls that are traced, of those whose callers say nothing about it." default:"0.001" group:"log"`
}

// Compute fills in what is left out and follows from the host, for config show. The
// serving process finds the same itself, after the sockets that it is passed.
func (f *flags) Compute() (err error) {
	if len(f.Listen) == 0 {
		f.Listen = []string{daemon.DefaultAddress}
	}
	if f.Admin == "" {
		f.Admin, err = ipc.PlaceSocket(adminSocket)
	}
	return err
}

// maxConns is more than a process has descriptors: more is a slip of the hand.
const maxConns = 1 << 24

// Validate is called by kong. The error joins all that is wrong.
func (f *flags) Validate() error {
	var problems []error
	for _, address := range f.Listen {
		if !strings.HasPrefix(address, "unix:") {
			problems = append(problems, cli.CheckAddress("--listen", address))
		}
	}
	problems = append(problems, cli.CheckHosts("--allow-host", f.AllowHost),
		cli.Within("--max-conns", f.MaxConns, 1, maxConns),
		cli.Within("--busy-poll", f.BusyPoll, 0, time.Second),
		cli.Within("--drain", f.Drain, 0, time.Hour),
		f.checkModels(), cli.CheckTimeSlice(f.TimeSlice), tracing.Check(f.Trace, f.TraceShare))
	return errors.Join(problems...)
}

// checkModels reports a folder that is not there. Kong's own type for folders that exist
// leaves out what a settings file says.
func (f *flags) checkModels() error {
	if f.Models == "" {
		return nil
	}
	switch info, err := os.Stat(f.Models); {
	case err != nil:
		return fmt.Errorf("--models: %w", err)
	case !info.IsDir():
		return fmt.Errorf("--models: %s is no folder", f.Models)
	}
	return nil
}
