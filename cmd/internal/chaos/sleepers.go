package chaos

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

// sleepers is a helper that sleeps on every processor beside a load.
type sleepers struct {
	*Process
	dir string
}

// startSleepers has them sleep until points so far apart; later than allowed is a miss.
func (e *Env) startSleepers(every, allowed time.Duration) (s sleepers, err error) {
	if s.dir, err = os.MkdirTemp("", "mlbridge-chaos-sleepers-"); err != nil {
		return s, err
	}
	s.Process, err = e.startHelper(HelperPlan{Sleep: every, Allowed: allowed, Log: s.file()}, nil)
	if err != nil {
		os.RemoveAll(s.dir)
	}
	return s, err
}

func (s sleepers) file() string { return filepath.Join(s.dir, "log.json") }

// log ends them and says what they met.
func (s sleepers) log() (*hiccup.Log, error) {
	if err := s.Drain(); err != nil {
		return nil, err
	}
	return hiccup.Load(s.file())
}

// Kill ends them if they have not ended, and removes what they wrote.
func (s sleepers) Kill() {
	s.Process.Kill()
	os.RemoveAll(s.dir)
}

// sleep is the helper's part: it is ready when all sleep, and writes what they met to a
// file when ctx ends.
func sleep(ctx context.Context, p HelperPlan) error {
	l, err := hiccup.Record(ctx, p.Sleep, p.Allowed, ready)
	if err != nil {
		return err
	}
	return l.Save(p.Log)
}
