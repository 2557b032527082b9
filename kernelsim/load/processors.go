package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// meter tells how many processors this process had since it was made.
type meter struct {
	wall time.Time
	used time.Duration
}

func newMeter() meter { return meter{time.Now(), processTime()} }

// average is 0 where no time has passed.
func (m meter) average() float64 {
	wall := time.Since(m.wall)
	if wall <= 0 {
		return 0
	}
	return float64(processTime()-m.used) / float64(wall)
}

// processTime is the processor time that this process had so far (clock_gettime(2)).
func processTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) // cannot fail on Linux
	return time.Duration(t.Nano())
}
