package ipc

import "time"

// Limits of the request fields (PROTOCOL.md, section 7). They are part of the protocol:
// both sides may rely on them.
const (
	MaxWorkloadHistory = 10 // historical_cpu, historical_memory, historical_gpu
	MaxWorkloadPast    = 32 // cpu_past, memory_past, gpu_past
	MaxAnomalies       = 32
	MaxThreatHistory   = 10
	MaxSyscallFeatures = 128 // syscall_features
	MaxSyscallCounts   = 64  // syscall_counts
	MaxHealthHistory   = 20
	MaxFailureHistory  = 10
	MaxFailureRates    = 16 // failure_rates
	MaxAccessHistory   = 20
	MaxCandidates      = 16
	MaxMore            = 3 // further addresses in a memory reply
	MaxComponentBytes  = 64
	MaxModelBytes      = 64  // "name@version" in a reply
	MaxErrorBytes      = 256 // error texts are cut to this
	MaxNameBytes       = 64  // peer name in a hello
)

// Limits bounds what one connection may cost. The server announces the first three, and
// Budget, in its hello.
type Limits struct {
	Frame     int           // payload bytes of one frame
	Batch     int           // slots of one predict message
	InFlight  int           // predict messages without a reply, per connection
	FrameIn   time.Duration // a started frame must be complete within this
	MaxBudget time.Duration // longer budgets are cut to this
	Budget    time.Duration // the budget of a call that names none
}

// DefaultLimits are the limits used when nothing is configured.
func DefaultLimits() Limits {
	return Limits{
		Frame:     1 << 20,
		Batch:     256,
		InFlight:  64,
		FrameIn:   5 * time.Second,
		MaxBudget: time.Minute,
		Budget:    time.Millisecond,
	}
}
