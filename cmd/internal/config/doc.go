// Package config reads a daemon's settings file. Every setting has one name: the flag
// --upstream-timeout is the environment variable MLBRIDGE_UPSTREAM_TIMEOUT and the key
// upstream-timeout of the file, which is TOML without tables:
//
//	upstream         = "unix:/run/mlbridge/mld.sock"
//	upstream-timeout = "250ms"
//	allow-host       = ["node-7", "node-7.example"]
//
// A flag wins over the environment, which wins over the file, which wins over the
// default. A key that no setting has is an error that names the nearest one; so is a
// value that does not fit. All that is wrong with a file is said at once, with lines.
package config
