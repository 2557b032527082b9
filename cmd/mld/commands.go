package main

import (
	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/ipc"
)

// commands is the command line.
type commands struct {
	flags
	cli.Daemon

	Serve     struct{}          `cmd:"" default:"1" help:"Serve the models: what mld does without a command."`
	Lifecycle modeldesk.Command `cmd:"" name:"models" help:"List, validate, promote, roll back and try models."`
	Settings  cli.ConfigCmd     `cmd:"" name:"config" help:"Check, show or explain the settings."`
	cli.Pages
}

// AfterApply is called by kong: the command models works on the folder of --models, or
// asks the mld that runs.
func (c *commands) AfterApply(k *kong.Context) error {
	k.Bind(&modeldesk.Place{Daemon: "mld", Folder: c.Models, Socket: func() (string, error) {
		if c.Admin != "" {
			return c.Admin, nil
		}
		return ipc.FindSocket(adminSocket)
	}})
	return nil
}

var app = cli.App{
	Name: "mld", Title: "serve the prediction models over HTTP",
	Env: "MLD", File: "/etc/mlbridge/mld.toml", Section: 8,
	Description: "Serves the workload, threat, failure and memory models over HTTP, in JSON and msgpack, on TCP and on Unix sockets. " +
		"Without any flag: the built-in models on 127.0.0.1:9005.",
	Groups: []kong.Group{
		{Key: "where", Title: "Where it answers"},
		{Key: "models", Title: "Models"},
		{Key: "bounds", Title: "Bounds"},
		{Key: "log", Title: "Log and traces"},
	},
	Sections: []cli.Section{
		{Title: "Signals", Text: `SIGTERM and SIGINT let the calls in flight finish; a second one ends it at once. ` +
			`SIGHUP reads the settings and the models again; no call is lost. The log says what changed and what waits for a restart.`},
		{Title: "Examples", Text: `  mld                                              the built-in models on loopback
  mld --listen=unix:/run/user/1000/mld.sock        for an ml-bridge with --upstream=unix:…
  mld --models=/srv/models                         models of your own, where they are valid
  mld models list                                  what the running mld serves, and what it could`},
		{Title: "Exit status", Text: `0 after a drain, 1 after a failure, 2 where flags or settings are wrong.`},
		{Title: "Files", ManualOnly: true, Text: `/etc/mlbridge/mld.toml: the settings of the packaged service.
/run/mlbridge/mld.sock: where the packaged service answers.`},
	},
	SeeAlso: "ml-bridge(8), kernelsim(1), /usr/share/doc/mlbridge/docs/README.md",
}
