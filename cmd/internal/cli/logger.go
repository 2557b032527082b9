package cli

import (
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// NewLogger writes to f: JSON lines, or lines for people where format is "console",
// or "auto" and a person is looking. Where f is the journal's, each line says its
// priority, so that journalctl -p warning finds what it should. Messages that repeat
// are limited (repeats.go). also is told every line too, as JSON.
func NewLogger(f *os.File, format string, also ...io.Writer) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano
	var out io.Writer = f
	tty := term.IsTerminal(int(f.Fd()))
	switch {
	case format == "console" || (format == "auto" && tty):
		out = zerolog.ConsoleWriter{Out: f, TimeFormat: time.TimeOnly, NoColor: !tty || os.Getenv("NO_COLOR") != ""}
	case isJournal(f):
		out = &journal{f}
	}
	if len(also) > 0 {
		out = zerolog.MultiLevelWriter(append([]io.Writer{out}, also...)...)
	}
	return zerolog.New(out).Hook(newRepeats()).With().Timestamp().Logger()
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
