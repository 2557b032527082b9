package cli

import (
	"os"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// NewLogger writes to f: JSON lines, or lines for people where format is "console",
// or "auto" and a person is looking.
func NewLogger(f *os.File, format string) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano
	tty := term.IsTerminal(int(f.Fd()))
	if format == "console" || (format == "auto" && tty) {
		w := zerolog.ConsoleWriter{Out: f, TimeFormat: time.TimeOnly, NoColor: !tty || os.Getenv("NO_COLOR") != ""}
		return zerolog.New(w).With().Timestamp().Logger()
	}
	return zerolog.New(f).With().Timestamp().Logger()
}

// SetLevel changes what every logger of the process leaves out; level is one of
// debug, info, warn and error.
func SetLevel(level string) {
	l, err := zerolog.ParseLevel(level)
	if err != nil {
		panic(err) // the flag takes no other
	}
	zerolog.SetGlobalLevel(l)
}
