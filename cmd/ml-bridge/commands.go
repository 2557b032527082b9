package main

import (
	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/ipc"
)

// commands is the command line.
type commands struct {
	flags
	cli.Daemon

	Serve     struct{}      `cmd:"" default:"1" help:"Answer prediction requests: what ml-bridge does without a command."`
	Lifecycle modelCommands `cmd:"" name:"models" help:"List, validate, promote, roll back and try models: of --models, or of the mld that is asked; or turn all of them off."`
	Doctor    doctorCmd     `cmd:"" help:"Look at this host, the bridge and mld, and say what to do about what is found."`
	Settings  cli.ConfigCmd `cmd:"" name:"config" help:"Check, show or explain the settings."`
	cli.Pages
}

// modelCommands is what can be done about models; the kill switch is the bridge's own.
type modelCommands struct {
	modeldesk.Command
	modeldesk.Switch
}

// AfterApply is called by kong: the command models works on the folder of --models, or
// asks the bridge that runs.
func (c *commands) AfterApply(k *kong.Context) error {
	k.Bind(&modeldesk.Place{Daemon: "ml-bridge", Folder: c.folder(), Socket: func() (string, error) {
		switch {
		case c.Admin != "":
			return c.Admin, nil
		case c.Socket != "":
			return admin.Beside(c.Socket), nil
		}
		return ipc.FindSocket("bridge-admin.sock")
	}})
	return nil
}

var app = cli.App{
	Name: "ml-bridge", Title: "answer prediction requests inside their budget",
	Env: "MLBRIDGE", File: "/etc/mlbridge/ml-bridge.toml", Section: 8,
	Description: "Answers workload, threat, failure and memory predictions on a Unix socket and over HTTP, " +
		"from mld's models, its cache, a stale answer or a rule, and says which. " +
		"Without any flag: on the socket in the runtime directory and on 127.0.0.1:9006, with mld on 127.0.0.1:9005.",
	Groups: []kong.Group{
		{Key: "where", Title: "Where it answers"},
		{Key: "whom", Title: "Whom it asks"},
		{Key: "how", Title: "How it answers"},
		{Key: "bounds", Title: "Bounds"},
		{Key: "record", Title: "Recording"},
		{Key: "log", Title: "Log and traces"},
	},
	Sections: []cli.Section{
		{Title: "Signals", Text: `SIGTERM and SIGINT drain: peers are told to go away, calls in flight are answered; a second one ends it at once. ` +
			`SIGHUP reads the settings again; no call is lost. The log says what changed and what waits for a restart.`},
		{Title: "Examples", Text: `  ml-bridge                                    with mld on this machine, on loopback
  ml-bridge --models=embedded                  without mld, the models in this process
  ml-bridge --socket-mode=0660                 for a group of users
  ml-bridge config example > ml-bridge.toml    a file to edit; then
  ml-bridge config check ml-bridge.toml
  ml-bridge --config=ml-bridge.toml
  ml-bridge models list                        what serves, what could, what is wrong with the rest
  ml-bridge models off                         the kill switch: rules answer everything
  ml-bridge doctor                             what is wrong, and what to do about it`},
		{Title: "Exit status", Text: `0 after a drain, 1 after a failure, 2 where flags or settings are wrong.`},
		{Title: "Files", ManualOnly: true, Text: `/etc/mlbridge/ml-bridge.toml: the settings of the packaged service.
/run/mlbridge/bridge.sock: where clients look first.`},
	},
	SeeAlso: "mld(8), kernelsim(1), /usr/share/doc/mlbridge/docs/README.md",
}
