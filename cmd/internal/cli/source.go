package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// Source parses a daemon's settings as often as it is asked to. C is the command's
// struct as kong takes it.
type Source[C any] struct {
	app   *App
	args  []string
	first *Parsed // what the process started with
	last  *Parsed // what is in force where it can change
}

// aboutService are the commands that look at what runs here: where no file is named, and
// the packaged service's is there, that is what they look with, as config check does.
var aboutService = map[string]bool{"config show": true, "doctor": true}

func readable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// ExitStatus is how a command ends that has said all there is to say.
type ExitStatus int

func (e ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Start parses args for a command. Where they ask for the daemon's own work, the
// command serve, ok is true; else what they ask for is done, and code is how the
// process ends.
func Start[C any](a *App, args []string) (c *C, s *Source[C], code int, ok bool) {
	s = &Source[C]{app: a, args: args}
	c, p, err := s.parse()
	if err == nil && p.File == nil && aboutService[p.Command()] && readable(a.File) {
		c, p, err = s.parse("--config=" + a.File)
	}
	if err != nil {
		a.Complain(os.Stderr, err)
		return nil, nil, ExitUsage, false
	}
	s.first, s.last = p, p
	if p.Command() == "serve" {
		return c, s, ExitOK, true
	}
	err = p.Run(c, Again(func(more ...string) (*Parsed, error) {
		_, p, err := s.parse(more...)
		return p, err
	}))
	if status, ok := errors.AsType[ExitStatus](err); ok {
		return nil, nil, int(status), false
	}
	if err != nil {
		a.Complain(os.Stderr, err)
		code := ExitUsage
		if f := (Failure{}); errors.As(err, &f) {
			code = ExitFailure
		}
		return nil, nil, code, false
	}
	return nil, nil, ExitOK, false
}

// Failure is an error of a command that was called as it should.
type Failure struct{ Err error }

func (f Failure) Error() string { return f.Err.Error() }
func (f Failure) Unwrap() error { return f.Err }

func (s *Source[C]) parse(more ...string) (*C, *Parsed, error) {
	c := new(C)
	p, err := s.app.Parse(c, append(slices.Clone(s.args), more...))
	return c, p, err
}

// Warn logs what is odd about the settings and no error.
func (s *Source[C]) Warn(log zerolog.Logger) {
	for _, text := range s.last.Stray {
		log.Warn().Msg(text)
	}
}

// Reload parses the settings again and logs what is different: what changes now, for
// the caller to put in force, and what waits for a restart. Settings that are wrong
// change nothing, and ok is false.
func (s *Source[C]) Reload(log zerolog.Logger) (c *C, ok bool) {
	c, now, err := s.parse()
	if err != nil {
		log.Error().Err(err).Msg("settings are wrong: those of before stay in force")
		return nil, false
	}
	s.Warn(log)
	changed := 0
	for _, d := range config.Changes(s.last.Model, now.Model) {
		if d.Live {
			changed++
			log.Info().Str("setting", d.Name).Str("from", d.Old).Str("to", d.New).Msg("setting changed")
		}
	}
	for _, d := range config.Changes(s.first.Model, now.Model) {
		if !d.Live {
			log.Warn().Str("setting", d.Name).Str("from", d.Old).Str("to", d.New).Msg("setting waits for a restart")
		}
	}
	s.last = now
	log.Info().Int("changed", changed).Msg("settings read again")
	return c, true
}
