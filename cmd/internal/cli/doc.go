// Package cli is what the commands share: version, log, signals and exit codes.
package cli

// Exit codes of every command.
const (
	ExitOK      = 0
	ExitFailure = 1
	ExitUsage   = 2
)
