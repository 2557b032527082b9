package cli

import (
	"fmt"
	"os"
	"strconv"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// journal writes lines for systemd's journal, which reads a priority of syslog(3) in
// front of each: "<4>{…}" (sd-daemon(3)). The line itself stays one JSON object.
type journal struct{ f *os.File }

// isJournal reports whether f is the stream that systemd said it connected with the
// journal: JOURNAL_STREAM has its device and inode (systemd.exec(5)).
func isJournal(f *os.File) bool {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", s.Dev, s.Ino)
}

// Write is for lines without a level.
func (j *journal) Write(line []byte) (int, error) { return j.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel writes the line with its priority, in one write, so that lines of several
// goroutines do not mix.
func (j *journal) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	prefixed := append([]byte("<"+strconv.Itoa(priority(level))+">"), line...)
	if _, err := j.f.Write(prefixed); err != nil {
		return 0, err
	}
	return len(line), nil
}

// priority is the level's in syslog(3).
func priority(level zerolog.Level) int {
	switch level {
	case zerolog.TraceLevel, zerolog.DebugLevel:
		return 7
	case zerolog.WarnLevel:
		return 4
	case zerolog.ErrorLevel:
		return 3
	case zerolog.FatalLevel, zerolog.PanicLevel:
		return 2
	}
	return 6
}
