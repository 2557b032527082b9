package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/ipc/timeslice"
)

// CheckTimeSlice says whether --time-slice can be d; 0 leaves the process what it has.
func CheckTimeSlice(d time.Duration) error {
	if d != 0 && (d < timeslice.Least || d > timeslice.Most) {
		return fmt.Errorf("--time-slice %v is neither 0 nor in %v to %v", d, timeslice.Least, timeslice.Most)
	}
	return nil
}

// TakeTimeSlice gives this process slices of d. One without them answers, too, only later
// where others compute.
func TakeTimeSlice(d time.Duration, log zerolog.Logger) {
	if d == 0 {
		return
	}
	switch err := timeslice.Set(d); {
	case errors.Is(err, timeslice.ErrUnsupported):
		log.Debug().Err(err).Msg("no short time slices")
	case err != nil:
		log.Warn().Err(err).Msg("no short time slices: is a filter of system calls in the way?")
	}
}
