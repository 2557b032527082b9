package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"
)

// ErrForced is why a daemon ended that was told to stop a second time.
var ErrForced = errors.New("second signal")

// Parse fills flags, a pointer to a struct as kong takes it, from args and the
// environment. When it reports false it has said what is wrong: the command ends
// with ExitUsage.
func Parse(name, description string, flags any, args []string) (ok bool) {
	parser, err := kong.New(flags, kong.Name(name), kong.Description(description), kong.Vars{"version": Version()})
	if err != nil {
		panic(err) // the flags' declaration is wrong, which every test would see
	}
	if _, err := parser.Parse(args); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		return false
	}
	return true
}

// StopSignals gives SIGTERM and SIGINT until done is called. There is room for two:
// the second must not be lost while the first is handled.
func StopSignals() (stop <-chan os.Signal, done func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
	return c, func() { signal.Stop(c) }
}

// ExitCode logs how a daemon ended and gives its exit code.
func ExitCode(log zerolog.Logger, err error) int {
	switch {
	case errors.Is(err, ErrForced):
		log.Warn().Msg("closed without draining")
		return ExitFailure
	case err != nil:
		log.Error().Msg(err.Error())
		return ExitFailure
	}
	return ExitOK
}
