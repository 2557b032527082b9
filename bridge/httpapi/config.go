package httpapi

import (
	"net/http"
	"time"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

// Config is what a handler needs. Predictor and Health are required.
type Config struct {
	Predictor ipc.Predictor
	Health    func() Health // called for every health request; must not block
	Metrics   http.Handler  // serves /metrics; nil answers 404 there
	// Status gives what /api/ml/status serves and the page shows, with the samples
	// after a time in Unix ms; nil answers 404 there.
	Status func(since int64) status.Document

	// Hosts are names, beside the loopback ones, that the Host header may give
	// when the API listens on more than this machine. Names without a port.
	Hosts []string
	// Origins may send requests from a browser although they are other sites,
	// e.g. "https://console.example". None by default.
	Origins []string

	Limits Limits
	// Observe, when set, is told about every request after it was answered.
	Observe func(Event)
	// Log, when set, is told about defects: a handler that panicked, an answer
	// that could not be written as JSON. Requests that are refused are not logged.
	Log func(msg string, err error)
}

// Limits bound what one request may cost. Zero fields mean the default.
type Limits struct {
	Body      int64         // bytes of a body; 4 MiB
	Bodies    int64         // bytes of all large bodies in memory together; 64 MiB
	Batch     int           // slots of a batch or a list of outcomes; 256
	Budget    time.Duration // of a request that names none; 1 s
	MaxBudget time.Duration // a longer one is refused; 60 s
}

// Event is one answered request.
type Event struct {
	Route   string // the pattern, e.g. "/api/ml/predict/workload/batch"; "" when there is none
	Method  string
	Code    int // HTTP status
	Slots   int // questions or reports it carried
	Elapsed time.Duration
}

func (l Limits) withDefaults() Limits {
	d := ipc.DefaultLimits()
	return Limits{
		Body:      or(l.Body, 4<<20),
		Bodies:    or(l.Bodies, 64<<20),
		Batch:     or(l.Batch, d.Batch),
		Budget:    or(l.Budget, time.Second),
		MaxBudget: or(l.MaxBudget, d.MaxBudget),
	}
}

func or[T int | int64 | time.Duration](v, alt T) T {
	if v == 0 {
		return alt
	}
	return v
}
