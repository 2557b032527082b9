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
