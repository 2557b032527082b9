package main

import (
	"time"

	"github.com/alecthomas/kong"
)

const description = "Serve the prediction models over HTTP. Without any flag: the built-in models on 127.0.0.1:9005."

// flags is the command line.
type flags struct {
	Listen     []string         `help:"Address to listen on, host:port or unix:/path; may be repeated (default 127.0.0.1:9005, or the sockets passed by systemd)." env:"MLD_LISTEN" placeholder:"ADDR"`
	Admin      string           `help:"Unix socket for its operator, mode 0600: drain, profiles; 'off' for none (default: mld-admin.sock in the runtime directory)." env:"MLD_ADMIN" placeholder:"PATH"`
	Models     string           `help:"Folder with a manifest.json and model files that replace the built-in models." env:"MLD_MODELS" type:"existingdir" placeholder:"DIR"`
	AllowHost  []string         `help:"Host name that requests on a loopback address may carry besides localhost; may be repeated." env:"MLD_ALLOW_HOST" placeholder:"NAME"`
	MaxConns   int              `help:"Open connections; further ones are refused." env:"MLD_MAX_CONNS" default:"4096"`
	HTTPServer string           `help:"What answers plain predictions: event loops, or the HTTP library, which answers everything else in any case (${enum})." env:"MLD_HTTP_SERVER" enum:"loop,library" default:"loop"`
	Drain      time.Duration    `help:"How long calls in flight may take to finish after SIGTERM." env:"MLD_DRAIN" default:"10s"`
	LogFormat  string           `help:"Log as JSON lines, for people, or by whether standard error is a terminal (${enum})." env:"MLD_LOG_FORMAT" enum:"auto,json,console" default:"auto"`
	Version    kong.VersionFlag `help:"Print the version and exit."`
}

// Validate is called by kong.
func (f flags) Validate() error {
	switch {
	case f.MaxConns < 1:
		return errMaxConns
	case f.Drain < 0:
		return errDrain
	}
	return nil
}
