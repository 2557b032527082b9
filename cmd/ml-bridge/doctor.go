package main

import (
	"context"
	"net"
	"net/http"
	"os"

	"golang.org/x/term"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/doctor"
)

// doctorCmd is the command doctor.
type doctorCmd struct {
	JSON bool `name:"json" help:"Write the findings as JSON."`
}

// Help is called by kong.
func (doctorCmd) Help() string {
	return "Looks at the socket and who may use it, mld and its models, limits, how precisely this host's timers fire, systemd, " +
		"control groups, pressure and the kernel, and says what to do about each finding. It looks with the settings of the packaged service where no file is named, and changes nothing. " +
		"Exit status: 0 all is good, 1 something could be better, 3 something does not work."
}

// Run looks at the host with the eyes of a client of the bridge with these settings.
func (d *doctorCmd) Run(c *commands) error {
	h := doctor.Here()
	h.Socket, h.HTTP, h.Conns = c.Socket, c.HTTP, c.MaxConns
	h.Admin = c.Admin
	if c.Admin == "" {
		if path, err := h.Path(); err == nil {
			h.Admin = admin.Beside(path)
		}
	} else if c.Admin == admin.Off {
		h.Admin = ""
	}
	if c.Models == "" {
		target, err := upstream.ParseTarget(c.Upstream[0])
		if err != nil {
			return err
		}
		h.Daemon = func(context.Context) (*http.Client, string) { return daemonClient(target) }
	}
	h.Dial = func(url string) (*http.Client, string) {
		target, err := upstream.ParseTarget(url)
		if err != nil {
			return &http.Client{}, url
		}
		return daemonClient(target)
	}
	report := doctor.Examine(context.Background(), h)
	if d.JSON {
		if err := report.JSON(os.Stdout); err != nil {
			return err
		}
	} else {
		report.Text(os.Stdout, term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "")
	}
	return cli.ExitStatus(report.ExitCode())
}

// daemonClient asks mld where the bridge would.
func daemonClient(t upstream.Target) (*http.Client, string) {
	path, ok := t.UnixPath()
	if !ok {
		return &http.Client{}, t.URL
	}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}, "http://localhost"
}
