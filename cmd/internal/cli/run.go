package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// ErrForced is why a daemon ended that was told to stop a second time.
var ErrForced = errors.New("second signal")

// StopSignals gives SIGTERM and SIGINT until done is called. There is room for two:
// the second must not be lost while the first is handled.
func StopSignals() (stop <-chan os.Signal, done func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
	return c, func() { signal.Stop(c) }
}

// sameSignal is how soon after the first a second signal is still the same request to
// stop: timeout(1), a terminal and some supervisors signal the process and its group.
const sameSignal = 100 * time.Millisecond

// Await waits for what a daemon does to end well, which was just begun, unless a second
// signal comes: then it is ErrForced, and done is still to be read.
func Await(done <-chan error, stop <-chan os.Signal) error {
	began := time.Now()
	for {
		select {
		case err := <-done:
			return err
		case <-stop:
			if time.Since(began) >= sameSignal {
				return ErrForced
			}
		}
	}
}

// ReloadSignal gives SIGHUP until done is called. One that comes while another is
// handled is not lost; more are the same.
func ReloadSignal() (reload <-chan os.Signal, done func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
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
