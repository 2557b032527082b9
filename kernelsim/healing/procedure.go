package healing

import "github.com/mlbridge/mlbridge/ipc"

// Procedure is what is done about a failure that is expected or has come.
type Procedure struct {
	Name string
	// Readings is how long it takes, in the component's readings. Meanwhile no
	// second one is started.
	Readings int
}

// procedures by failure_type. They are simulated: what is measured is when and
// for which component they would have been started.
var procedures = [...]Procedure{
	ipc.FailureMemory:  {"reclaim caches, stop the largest consumer", 10},
	ipc.FailureCPU:     {"throttle background work, spread the load", 10},
	ipc.FailureIO:      {"slow writers, flush and retry the queue", 10},
	ipc.FailureNetwork: {"reset the interface, reroute", 10},
	ipc.FailureService: {"restart the service", 10},
	ipc.FailureKernel:  {"save state, restart the host", 20},
}

// ProcedureFor gives the procedure for a failure_type (ipc.FailureMemory …); types
// beyond are treated as a kernel failure, the most careful answer.
func ProcedureFor(failureType uint8) Procedure {
	if int(failureType) < len(procedures) {
		return procedures[failureType]
	}
	return procedures[ipc.FailureKernel]
}
