package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

func logFile(t *testing.T) (f *os.File, read func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, func() string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// A file gets JSON lines, and whoever else is told gets the same; the console form has
// no colours where there is no terminal.
func TestForms(t *testing.T) {
	f, read := logFile(t)
	var also bytes.Buffer
	log := NewLogger(f, "auto", &also)
	log.Warn().Str("reason", "timeout").Msg("daemon does not answer")
	var line map[string]string
	if err := json.Unmarshal([]byte(read()), &line); err != nil || line["level"] != "warn" || line["reason"] != "timeout" || line["message"] == "" || line["time"] == "" {
		t.Errorf("%q: %v", read(), err)
	}
	if also.String() != read() {
		t.Errorf("told %q, wrote %q", also.String(), read())
	}
	f, read = logFile(t)
	log = NewLogger(f, "console")
	log.Warn().Str("reason", "timeout").Msg("daemon does not answer")
	if text := read(); !strings.Contains(text, "WRN daemon does not answer reason=timeout") || strings.Contains(text, "\x1b") {
		t.Errorf("console: %q", text)
	}
}

// What systemd connected with the journal gets a priority before each line; any other
// stream, even of a service whose journal is elsewhere, does not.
func TestJournal(t *testing.T) {
	f, read := logFile(t)
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", s.Dev, s.Ino))
	log := NewLogger(f, "auto")
	log.Debug().Msg("d")
	log.Info().Msg("i")
	log.Warn().Msg("w")
	log.Error().Msg("e")
	log.Log().Msg("l")
	lines := strings.Split(strings.TrimSuffix(read(), "\n"), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for i, want := range []string{"<7>", "<6>", "<4>", "<3>", "<6>"} {
		if rest, ok := strings.CutPrefix(lines[i], want); !ok || !json.Valid([]byte(rest)) {
			t.Errorf("line %q, want %s and an object", lines[i], want)
		}
	}
	other, read := logFile(t)
	log = NewLogger(other, "auto")
	log.Error().Msg("e")
	if !json.Valid([]byte(read())) {
		t.Errorf("another stream: %q", read())
	}
}

// Ten of a kind a minute, and then the number of those that were not written. Other
// messages are not concerned, and a message of another level is another.
func TestRepeatsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(&out).Hook(newRepeats())
		lines := func() int {
			n := strings.Count(out.String(), "\n")
			out.Reset()
			return n
		}
		for i := range 1000 {
			log.Warn().Int("peer", i).Msg("connection closed")
		}
		if n := lines(); n != 10 {
			t.Errorf("%d lines of 1000, want 10", n)
		}
		log.Warn().Msg("something else")
		log.Error().Msg("connection closed")
		if n := lines(); n != 2 {
			t.Errorf("%d lines of two other messages", n)
		}
		time.Sleep(repeatPeriod)
		log.Warn().Msg("connection closed")
		if text := out.String(); !strings.Contains(text, `"withheld":990`) {
			t.Errorf("%q does not say that 990 were withheld", text)
		}
		lines()
		log.Warn().Msg("connection closed")
		if text := out.String(); strings.Contains(text, "withheld") {
			t.Errorf("%q", text)
		}
		lines()
		for i := range 2 * repeatTexts { // more messages than are told apart
			log.Info().Msg(fmt.Sprint(i))
		}
		if n := lines(); n != 2*repeatTexts {
			t.Errorf("%d lines of %d different messages", n, 2*repeatTexts)
		}
	})
}
