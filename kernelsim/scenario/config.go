package scenario

import (
	"io/fs"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// Config says what the subsystems run on.
type Config struct {
	// Predictor reaches the bridge; nil lets the rules decide everything, which is
	// enough to collect questions.
	Predictor ipc.Predictor
	// Traces holds the recordings in its root.
	Traces fs.FS
	// Proc is where procfs is mounted; "" is /proc.
	Proc string
	// Origins by kind; a kind without any does not run. Memory and threat cannot
	// be observed live.
	Origins map[ipc.Kind][]source.Origin
	// For is how long the subsystems run at most. Live and synthetic input lasts
	// as long, recordings may end before.
	For time.Duration
	// Budget of a subsystem's question. It may be longer than the load phase's:
	// that measures the socket's promise, this the models.
	Budget time.Duration
	Seed   uint64
	Pool   *advice.Pool
}

// PoolSize is how many questions of a kind the pool holds by default.
const PoolSize = 2048
